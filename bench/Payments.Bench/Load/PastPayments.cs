using System.Diagnostics;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Payments.Platform;

namespace Payments.Bench.Load;

/// <summary>
/// Fills the tables with payments of the month so far: the rows of sales that were just made, each many times, with ids and times of their
/// own and at merchants that have no part in the run. They are complete, so nothing is to be done about them. What is not kept for long is
/// not made: answers of requests that are older than a day, events and the consumers' copies of them.
/// </summary>
internal sealed class PastPayments(LoadRun run)
{
    private const int Templates = 16;
    private const int AtATime = 20_000;

    /// <summary>What a payment takes on disk, in bytes, with indexes and room.</summary>
    private const double Size = 15_000;

    // What becomes many: whole merchants, their accounts and endpoints.
    private static readonly string[] Owners = ["merchant_id", "debit_account_id", "credit_account_id", "lane_id"];

    // What is unique beside ids.
    private static readonly string[] Varied = ["provider_reference", "payment_reference", "modification_reference", "reference", "alternative", "key", "order_id"];

    // database, table (t), a row's payment where it is not t.payment_id, and where that is found
    private static readonly Kept[] Tables =
    [
        new(Names.Databases.Payments, "payments", "t.id"),
        new(Names.Databases.Payments, "operations"),
        new(Names.Databases.Payments, "attempts"),
        new(Names.Databases.Payments, "provider_references"),
        new(Names.Databases.Payments, "payment_requests") { ForADay = true },
        new(Names.Databases.Ledger, "ledger.journals"),
        new(Names.Databases.Ledger, "ledger.movements", "j.payment_id", "JOIN ledger.journals j ON j.id = t.journal_id"),
        new(Names.Databases.Ledger, "ledger.pending_transfers"),
        new(Names.Databases.Webhooks, "events", "t.subject"),
        new(Names.Databases.Webhooks, "deliveries", "e.subject", "JOIN events e ON e.id = t.event_id"),
        new(Names.Databases.Webhooks, "delivery_attempts", "e.subject", "JOIN events e ON e.id = t.event_id"),
        new(Names.Databases.Fraud, "decisions"),
        new(Names.Databases.Fraud, "attempts"),
        new(Names.Databases.Fraud, "outcomes"),
        new(Names.Databases.Fraud, "risk_outcomes"),
        new(Names.Databases.Fraud, "model_answers"),
        new(Names.Databases.Reconciliation, "recon.items"),
    ];

    /// <exception cref="InvalidOperationException">There is no room for so many.</exception>
    public static void CheckRoom(long payments)
    {
        var (needed, free) = (payments * Size, new DriveInfo(Path.GetTempPath()).AvailableFreeSpace);
        if (needed > free)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"{payments} payments take about {needed / 1e9:0} GB, and below {Path.GetTempPath()} there are {free / 1e9:0} GB: choose fewer with --payments."));
        }
    }

    /// <summary>How long it took, and what the databases have grown by, in bytes.</summary>
    public async Task<(TimeSpan Took, double Bytes)> LoadAsync(long payments, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var before = await SizeAsync(cancellationToken);
        var templates = await TemplatesAsync(cancellationToken);
        var databases = await Task.WhenAll(Tables.GroupBy(t => t.Database).Select(g => PrepareAsync(g.Key, [.. g], templates, payments, cancellationToken)));
        var told = began;
        for (long first = 0; first < payments; first += AtATime)
        {
            var past = Math.Min(payments, first + AtATime);
            await Task.WhenAll(databases.Select(d => InsertAsync(d.Connection, d.Statements, first, past, cancellationToken)));
            if (Stopwatch.GetElapsedTime(told) > TimeSpan.FromSeconds(15))
            {
                told = Stopwatch.GetTimestamp();
                await run.Progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {past} of {payments} payments after {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s"));
            }
        }

        await run.Progress.WriteLineAsync("  vacuuming and analyzing ...");
        foreach (var (connection, _) in databases)
        {
            await ExecuteAsync(connection, "VACUUM (ANALYZE)", cancellationToken);
        }

        await ExecuteAsync(databases[0].Connection, "CHECKPOINT", cancellationToken);
        foreach (var (connection, _) in databases)
        {
            await connection.DisposeAsync();
        }

        return (Stopwatch.GetElapsedTime(began), await SizeAsync(cancellationToken) - before);
    }

    /// <summary>Captured payments that every service has noted; the last ones, which nothing waits for.</summary>
    private async Task<Guid[]> TemplatesAsync(CancellationToken cancellationToken)
    {
        var captured = await IdsAsync(Names.Databases.Payments, "SELECT id FROM payments WHERE status = 'captured' ORDER BY id DESC LIMIT 10000", cancellationToken);
        var decided = await IdsAsync(Names.Databases.Fraud, "SELECT payment_id FROM decisions", cancellationToken);
        Guid[] both = [.. captured.Intersect(decided).Take(Templates)];
        return both.Length > 0 ? both : throw new InvalidOperationException("No sale was decided by the fraud service, so that there is none to be multiplied: the machine is too busy.");
    }

    private async Task<(NpgsqlConnection Connection, string[] Statements)> PrepareAsync(string database, Kept[] tables, Guid[] templates, long payments, CancellationToken cancellationToken)
    {
        var connection = await OpenAsync(database, cancellationToken);
        foreach (var sql in Functions)
        {
            await ExecuteAsync(connection, sql, cancellationToken);
        }

        await using (var fill = new NpgsqlCommand("INSERT INTO bench.templates SELECT p.place - 1, p.id FROM unnest($1) WITH ORDINALITY AS p (id, place)", connection))
        {
            fill.Parameters.Add(new() { Value = templates, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
            await fill.ExecuteNonQueryAsync(cancellationToken);
        }

        var statements = new List<string>();
        foreach (var (table, number) in tables.Select((t, n) => (t, n)))
        {
            await ExecuteAsync(
                connection,
                $"CREATE UNLOGGED TABLE bench.rows_{number} AS SELECT {table.Payment} AS of_payment, t.* FROM {table.Table} t {table.Join} WHERE {table.Payment} IN (SELECT payment_id FROM bench.templates)",
                cancellationToken);
            statements.Add(Multiply(table, number, await ColumnsAsync(connection, table.Table, cancellationToken), templates.Length, payments));
        }

        return (connection, [.. statements]);
    }

    /// <summary>
    /// Payments are spread evenly from the beginning of the month to some hours before the run, where the product looks no more for charges that the provider does
    /// not have: it has none of these. Their partition is the one that new ones go to.
    /// </summary>
    private string Multiply(Kept table, int number, IReadOnlyList<(string Name, string Type)> columns, int templates, long payments)
    {
        var end = run.Began.AddHours(-3);
        var start = new DateTimeOffset(end.Year, end.Month, 1, 0, 0, 0, TimeSpan.Zero);
        return string.Create(CultureInfo.InvariantCulture, $"""
            INSERT INTO {table.Table} ({string.Join(", ", columns.Select(c => c.Name))})
            SELECT {string.Join(", ", columns.Select(c => Expression(table, c.Name, c.Type)))}
            FROM (SELECT n, n % {templates} AS place, timestamptz '{start:O}' + (timestamptz '{end:O}' - timestamptz '{start:O}') * (n / {payments}::float8) AS at FROM generate_series($1, $2 - 1) AS n) g
            JOIN bench.templates p ON p.place = g.place
            JOIN bench.rows_{number} t ON t.of_payment = p.payment_id
            {(table.ForADay ? $"WHERE g.at > timestamptz '{end:O}' - interval '1 day'" : "")}
            """);
    }

    private static string Expression(Kept table, string column, string type) => (table.Table, column, type) switch
    {
        // Chains and numbers of logs that nobody has.
        ("ledger.journals", "partition", _) => "t.partition + 1000",
        ("ledger.journals", "seq" or "event_seq", _) => "g.n + 1",
        _ when Owners.Contains(column) => $"md5(t.{column}::text || g.n % 64)::uuid",
        _ when type == "uuid" => $"bench.id(t.{column}, g.at, g.n)",
        _ when Varied.Contains(column) => $"t.{column} || '-' || g.n",
        (_, _, "timestamp with time zone") => $"t.{column} - (bench.time(p.payment_id) - g.at)",
        (_, _, "date") => $"t.{column} - (bench.time(p.payment_id)::date - g.at::date)",
        _ => "t." + column,
    };

    private static readonly string[] Functions =
    [
        "CREATE SCHEMA bench",
        "CREATE TABLE bench.templates (place bigint NOT NULL, payment_id uuid NOT NULL)",
        // Of the moment, and the same for what was the same.
        """
        CREATE FUNCTION bench.id(id uuid, at timestamptz, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
            SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid FROM md5(id::text || n) AS h
        $$
        """,
        """
        CREATE FUNCTION bench.time(id uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT AS $$
            SELECT to_timestamp(('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0)
        $$
        """,
    ];

    private static async Task<IReadOnlyList<(string Name, string Type)>> ColumnsAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT quote_ident(attname), format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum", connection);
        command.Parameters.Add(new() { Value = table, NpgsqlDbType = NpgsqlDbType.Text });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var columns = new List<(string Name, string Type)>();
        while (await row.ReadAsync(cancellationToken))
        {
            columns.Add((row.GetString(0), row.GetString(1)));
        }

        return columns;
    }

    private static async Task InsertAsync(NpgsqlConnection connection, string[] statements, long first, long past, CancellationToken cancellationToken)
    {
        foreach (var sql in statements)
        {
            await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = first }, new() { Value = past } } };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task<Guid[]> IdsAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(database, cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var ids = new List<Guid>();
        while (await row.ReadAsync(cancellationToken))
        {
            ids.Add(row.GetGuid(0));
        }

        return [.. ids];
    }

    private async Task<double> SizeAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(Names.Databases.Payments, cancellationToken);
        await using var command = new NpgsqlCommand("SELECT sum(pg_database_size(oid))::float8 FROM pg_database", connection);
        return (double)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<NpgsqlConnection> OpenAsync(string database, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(run.Product.ConnectionString(database) + ";Pooling=false;Command Timeout=0;Options=-c synchronous_commit=off");
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record Kept(string Database, string Table, string Payment = "t.payment_id", string Join = "")
    {
        /// <summary>Older rows would have gone.</summary>
        public bool ForADay { get; init; }
    }
}
