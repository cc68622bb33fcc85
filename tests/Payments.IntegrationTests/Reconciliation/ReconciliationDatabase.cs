using System.Globalization;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;
using Payments.Reconciliation;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Imports;
using Payments.Reconciliation.Intake;
using Payments.Reconciliation.Matching;
using Payments.Reconciliation.Reports;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A fresh database of the service, its parts on it, and a directory for files.</summary>
internal sealed class ReconciliationDatabase : IAsyncDisposable
{
    private ReconciliationDatabase(string connectionString, NpgsqlDataSource source, string files)
    {
        (ConnectionString, Source, Files) = (connectionString, source, files);
        Importer = new Importer(source) { ChunkLines = 7 };
        Matcher = new Matcher(source, NullLogger<Matcher>.Instance) { Parallel = 3 };
        Reports = new DayReports(source);
        Closings = Signed(ClosingKey);
    }

    public string ConnectionString { get; }

    public NpgsqlDataSource Source { get; }

    public string Files { get; }

    public Importer Importer { get; }

    public Matcher Matcher { get; }

    public DayReports Reports { get; }

    public DayClosings Closings { get; }

    /// <summary>What the service and its commands sign closings with here.</summary>
    public static string ClosingKey { get; } = Convert.ToBase64String(new byte[32]);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="through">The last migration that is applied.</param>
    public static async Task<ReconciliationDatabase> CreateAsync(EmbeddedServers servers, int through = int.MaxValue)
    {
        var connection = await servers.CreateDatabaseAsync(Shapes.Reconciliation.Through(through), Cancel);
        var connectionString = new NpgsqlConnectionStringBuilder(connection) { MaxPoolSize = 8, PersistSecurityInfo = true }.ConnectionString;
        var source = NpgsqlDataSource.Create(connectionString);
        return new(connectionString, source, servers.CreateDirectory());
    }

    /// <summary>Closings under keys of the caller's, the first of which signs.</summary>
    public DayClosings Signed(params string[] keys) => new(Source, new(
        new ConfigurationBuilder().AddInMemoryCollection(keys.Select((key, i) => KeyValuePair.Create(ReconciliationOptions.Section + (i == 0 ? ":ClosingKey" : ":FormerClosingKeys:" + i), (string?)key))).Build(),
        ReconciliationOptions.Section, "reconciliation"));

    /// <summary>To the newest version.</summary>
    public Task MigrateAsync() => Migrations.ApplyAsync(Source, Shapes.Reconciliation, Cancel);

    /// <summary>As the consumer adds them.</summary>
    public async Task AddAsync(IReadOnlyList<ExpectedItem> items)
    {
        await using var connection = await Source.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await ItemIntake.AddAsync(connection, transaction, [.. items.Select(i => (i, "payment.captured"))], Cancel);
        await transaction.CommitAsync(Cancel);
    }

    public string Write(string name, string text, Encoding? encoding = null)
    {
        var path = Path.Combine(Files, name);
        File.WriteAllText(path, text, encoding ?? new UTF8Encoding(false));
        return path;
    }

    public Task<ImportResult> ImportAsync(string name, string text, Encoding? encoding = null) => Importer.ImportAsync(Write(name, text, encoding), Mode.Test, null, null, Cancel);

    public Task<MatchResult> MatchAsync() => Matcher.MatchAsync(null, null, Cancel);

    public Task<IReadOnlyList<DayReport>> ReportsAsync(Leg? leg = Leg.Provider) => Reports.ListAsync(null, leg, null, null, 10_000, Cancel);

    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancel))
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture))));
        }

        return rows;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>Every row of every table, in order, without the times at which they were written.</summary>
    public async Task<string> DumpAsync()
    {
        var text = new StringBuilder();
        var tables = await RowsAsync("""
            SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE n.nspname = 'recon' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
                AND a.attname NOT IN ('began_at', 'ended_at', 'opened_at', 'resolved_at', 'written_at', 'noted_at', 'due_at', 'id_made_at', 'booking_id', 'since', 'answered_at', 'closed_at', 'compared_at', 'compared_for')
            GROUP BY c.relname ORDER BY c.relname
            """);
        foreach (var table in tables)
        {
            var (name, columns) = (table.Split('|')[0], table.Split('|')[1]);
            text.AppendLine(name);
            foreach (var row in await RowsAsync($"SELECT row({columns})::text FROM recon.{name} ORDER BY 1"))
            {
                text.AppendLine(row);
            }
        }

        return text.ToString();
    }

    public async ValueTask DisposeAsync() => await Source.DisposeAsync();
}
