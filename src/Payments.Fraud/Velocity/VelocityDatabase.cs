using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Fraud.Velocity;

/// <summary>Attempts and outcomes as PostgreSQL has them: counted here while Redis is away, and where Redis is filled from.</summary>
internal sealed class VelocityDatabase(NpgsqlDataSource database)
{
    /// <summary>Of a merchant's attempts, and of its outcomes, the newest that are counted here.</summary>
    public const int MostOfMerchant = 500;

    private const string Columns = "at, merchant_id, card, customer, ip, device, email";

    private static readonly (Subject Subject, string Column, Func<EntityKeys, Guid?> Of)[] Subjects =
    [
        (Subject.Card, "card", k => k.Card), (Subject.Customer, "customer", k => k.Customer), (Subject.Ip, "ip", k => k.Ip),
        (Subject.Device, "device", k => k.Device), (Subject.Email, "email", k => k.Email),
    ];

    // Each by its key: the planner takes the small table for a large part of the large one, and would read all of that.
    private const string PendingOutcomes = $"""
        SELECT o.event_id, o.mode, o.kind, {Columns}
        FROM (SELECT event_id FROM outcomes_to_tell ORDER BY event_id LIMIT $1) AS told
        CROSS JOIN LATERAL (SELECT * FROM outcomes WHERE outcomes.event_id = told.event_id OFFSET 0) AS o
        ORDER BY o.at
        """;

    // The attempt is committed before anything is counted: of many at once, the n-th to commit sees n.
    private const string Insert = """
        INSERT INTO attempts (attempt, mode, payment_id, merchant_id, card, customer, ip, device, email, at, in_redis)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, clock_timestamp()), $11)
        ON CONFLICT (attempt) DO NOTHING
        """;

    /// <summary>Records an attempt, unless it was recorded before, and counts.</summary>
    /// <param name="at">When Redis counted it; null where it did not, and will be told.</param>
    /// <param name="now">Where windows end; null for the database's clock.</param>
    public async Task<(DateTimeOffset At, VelocityReading Reading)> RecordAsync(
        FraudRequest request, EntityKeys keys, DateTimeOffset? at, DateTimeOffset? now, bool inRedis)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using (var insert = new NpgsqlCommand(Insert, connection))
        {
            insert.Parameters.Add(new() { Value = keys.Attempt });
            insert.Parameters.Add(new() { Value = ModeNames.Of(request.Mode) });
            insert.Parameters.Add(new() { Value = request.PaymentId.Value });
            foreach (var key in new Guid?[] { keys.Merchant, keys.Card, keys.Customer, keys.Ip, keys.Device, keys.Email })
            {
                insert.Parameters.Add(new() { Value = (object?)key ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
            }

            insert.Parameters.Add(new() { Value = (object?)at ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            insert.Parameters.Add(new() { Value = inRedis });
            await insert.ExecuteNonQueryAsync();
        }

        return await CountAsync(connection, request.Mode, keys, now);
    }

    /// <summary>Everything of the last 30 days after a place, oldest first: what a new generation is filled with.</summary>
    public async Task<IReadOnlyList<Countable>> PageAsync(string table, DateTimeOffset from, Guid after, int limit, CancellationToken cancellationToken)
    {
        var (id, kind) = Names(table);
        await using var command = database.CreateCommand($"""
            SELECT {id}, mode, {kind}, {Columns} FROM {table}
            WHERE at >= $1 AND (at, {id}) > ($1, $2) AND at > now() - interval '30 days'
            ORDER BY at, {id} LIMIT $3
            """);
        command.Parameters.Add(new() { Value = from });
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = limit });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>What Redis was not told yet, oldest first; of outcomes nearly so, as their events are numbered.</summary>
    public async Task<IReadOnlyList<Countable>> PendingAsync(string table, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(table == Attempts
            ? $"SELECT attempt, mode, 'attempts', {Columns} FROM attempts WHERE NOT in_redis ORDER BY at LIMIT $1"
            : PendingOutcomes);
        command.Parameters.Add(new() { Value = limit });
        return await ReadAsync(command, cancellationToken);
    }

    public async Task ToldAsync(string table, IReadOnlyList<Countable> told, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(table == Attempts
            ? "UPDATE attempts SET in_redis = true WHERE attempt = ANY ($1)"
            : "DELETE FROM outcomes_to_tell WHERE event_id = ANY ($1)");
        command.Parameters.Add(new() { Value = told.Select(t => t.Id).ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static (string Id, string Kind) Names(string table) => table == Attempts ? ("attempt", "'attempts'") : ("event_id", "kind");

    public const string Attempts = "attempts";
    public const string Outcomes = "outcomes";

    private static async Task<IReadOnlyList<Countable>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var found = new List<Countable>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = reader.GetGuid(0);
            var keys = KeysOf(reader, 4) with { Attempt = id };
            found.Add(new Countable(id, Words.Parse<Mode>(reader.GetString(1)), Words.Parse<Measure>(reader.GetString(2)), keys, reader.GetFieldValue<DateTimeOffset>(3)));
        }

        return found;
    }

    private static async Task<(DateTimeOffset At, VelocityReading Reading)> CountAsync(
        NpgsqlConnection connection, Mode mode, EntityKeys keys, DateTimeOffset? until)
    {
        await using var batch = new NpgsqlBatch(connection);
        var asked = Subjects.Where(s => s.Of(keys) is not null).ToArray();
        batch.BatchCommands.Add(Command("SELECT at, clock_timestamp() FROM attempts WHERE attempt = $1", keys.Attempt));
        foreach (var (_, column, of) in asked)
        {
            foreach (var (table, kind) in new[] { (Attempts, "'attempts'"), (Outcomes, "kind") })
            {
                batch.BatchCommands.Add(Command(
                    $"SELECT {kind}, {Columns} FROM {table} WHERE {column} = $1 AND mode = $2 AND at > now() - interval '30 days' ORDER BY at DESC LIMIT {EntityHistory.MostRecords}",
                    of(keys)!.Value, ModeNames.Of(mode)));
            }
        }

        // A busy merchant's month is not worth counting here: its longer windows read as the last 24 hours, and no counter beyond the newest.
        batch.BatchCommands.Add(Command($"""
            SELECT kind, at > now() - interval '5 minutes', at > now() - interval '1 hour', count(*) FROM (
                (SELECT 'attempts' AS kind, at FROM attempts WHERE merchant_id = $1 AND mode = $2 AND at > now() - interval '24 hours' ORDER BY at DESC LIMIT {MostOfMerchant})
                UNION ALL
                (SELECT kind, at FROM outcomes WHERE merchant_id = $1 AND mode = $2 AND at > now() - interval '24 hours' ORDER BY at DESC LIMIT {MostOfMerchant})) AS day
            GROUP BY 1, 2, 3
            """, keys.Merchant, ModeNames.Of(mode)));

        await using var reader = await batch.ExecuteReaderAsync();
        Invariant.Holds(await reader.ReadAsync(), "an attempt that was recorded is there");
        var (at, now) = (reader.GetFieldValue<DateTimeOffset>(0), (until ?? reader.GetFieldValue<DateTimeOffset>(1)).ToUnixTimeMilliseconds());
        var reading = new VelocityReading();
        foreach (var (subject, _, _) in asked)
        {
            await reader.NextResultAsync();
            var attempts = await RecordsAsync(reader);
            await reader.NextResultAsync();
            var outcomes = await RecordsAsync(reader);
            EntityHistory.Count(reading, subject, attempts, outcomes, Parties.Of(keys), now);
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var place = VelocityCounter.PlaceOf(Subject.Merchant, Words.Parse<Measure>(reader.GetString(0)))!.Value;
            for (var w = reader.GetBoolean(1) ? 0 : reader.GetBoolean(2) ? 1 : 2; w < Window.All.Length; w++)
            {
                reading.Set(place + w, reading[place + w] + (int)reader.GetInt64(3));
            }
        }

        return (at, reading);
    }

    private static async Task<VelocityRecord[]> RecordsAsync(NpgsqlDataReader reader)
    {
        var records = new List<VelocityRecord>();
        while (await reader.ReadAsync())
        {
            records.Add(new VelocityRecord(reader.GetFieldValue<DateTimeOffset>(1).ToUnixTimeMilliseconds(), Words.Parse<Measure>(reader.GetString(0)), Parties.Of(KeysOf(reader, 2))));
        }

        return [.. records];
    }

    private static EntityKeys KeysOf(NpgsqlDataReader reader, int first) =>
        new(default, reader.GetGuid(first), reader.GetGuid(first + 1), Key(reader, first + 2), Key(reader, first + 3), Key(reader, first + 4), Key(reader, first + 5), null);

    private static Guid? Key(NpgsqlDataReader reader, int place) => reader.IsDBNull(place) ? null : reader.GetGuid(place);

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }
}
