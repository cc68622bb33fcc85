using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;
using Payments.Tests.Ledger.Lives;

namespace Payments.IntegrationTests.Ledger;

/// <summary>A fresh database of books: as its owner, and as the running service sees it.</summary>
internal sealed class LedgerDatabase : IAsyncDisposable
{
    private readonly Dictionary<int, long> sequences = [];

    private LedgerDatabase(string connectionString, NpgsqlDataSource owner, NpgsqlDataSource writer)
    {
        ConnectionString = connectionString;
        Owner = owner;
        Writer = writer;
    }

    public static IdSource Ids { get; } = new(TimeProvider.System);

    /// <summary>The owner's.</summary>
    public string ConnectionString { get; }

    public NpgsqlDataSource Owner { get; }

    public NpgsqlDataSource Writer { get; }

    /// <param name="through">The last migration that is applied.</param>
    public static async Task<LedgerDatabase> CreateAsync(EmbeddedServers servers, CancellationToken cancellationToken, int through = int.MaxValue)
    {
        var connection = await servers.CreateDatabaseAsync(Shapes.Ledger.Through(through), cancellationToken);
        var connectionString = new NpgsqlConnectionStringBuilder(connection) { MaxPoolSize = 20, PersistSecurityInfo = true }.ConnectionString;
        var owner = NpgsqlDataSource.Create(connectionString);
        return new(connectionString, owner, NpgsqlDataSource.Create(new ServiceRole(LedgerModule.DefaultRole).Apply(connectionString)));
    }

    /// <summary>To the newest version.</summary>
    public Task MigrateAsync(CancellationToken cancellationToken) => Migrations.ApplyAsync(Owner, Shapes.Ledger, cancellationToken);

    /// <summary>The journals of what happened, numbered as the publisher would number them; null for events that post nothing.</summary>
    public JournalDraft? Draft(PaymentEvent happened)
    {
        var partition = LogicalPartition.Of(happened.PaymentId);
        var seq = sequences[partition] = sequences.GetValueOrDefault(partition) + 1;
        return JournalDraft.Of(happened, partition, seq);
    }

    public JournalDraft[] Drafts(IEnumerable<PaymentEvent> happened) => [.. happened.Select(Draft).OfType<JournalDraft>()];

    public async Task<IReadOnlyList<PostingVerdict>> PostAsync(IReadOnlyList<JournalDraft> journals, CancellationToken cancellationToken)
    {
        await using var connection = await Writer.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var verdicts = await JournalWriter.PostAsync(connection, transaction, journals, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return verdicts;
    }

    public async Task<T?> ValueAsync<T>(string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using var command = Owner.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new() { Value = parameter });
        }

        return await command.ExecuteScalarAsync(cancellationToken) is { } value and not DBNull ? (T)value : default;
    }

    /// <summary>Takes as long as it takes: books are made large so, on machines that do much else.</summary>
    public async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Owner.CreateCommand(sql);
        command.CommandTimeout = 0;
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Credits minus debits per account as the books fold them, sub-accounts summed, zeros left out.</summary>
    public Task<SortedDictionary<string, long>> FoldedAsync(CancellationToken cancellationToken) => BalancesAsync("b.credits - b.debits", cancellationToken);

    /// <summary>Held for merchants.</summary>
    public Task<SortedDictionary<string, long>> HeldAsync(CancellationToken cancellationToken) => BalancesAsync("b.pending_credits", cancellationToken);

    public static SortedDictionary<string, long> Text(Dictionary<OracleAccount, long> oracle) =>
        new(oracle.Where(a => a.Value != 0).ToDictionary(a => $"{Account.Text(a.Key.Mode)}|{a.Key.Owner}|{Chart.Of(a.Key.Kind).Code}|{a.Key.Currency}", a => a.Value), StringComparer.Ordinal);

    private async Task<SortedDictionary<string, long>> BalancesAsync(string amount, CancellationToken cancellationToken)
    {
        var balances = new SortedDictionary<string, long>(StringComparer.Ordinal);
        await using var command = Owner.CreateCommand($"""
            SELECT concat_ws('|', a.mode, a.owner, a.kind, a.currency), sum({amount})::bigint
            FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            GROUP BY 1 HAVING sum({amount}) <> 0
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            balances.Add(reader.GetString(0), reader.GetInt64(1));
        }

        return balances;
    }

    /// <summary>One journal of one line, past everything that the writer in C# takes care of.</summary>
    public async Task<string> PostRawAsync(
        Account debit, Account credit, long amount, string currency, CancellationToken cancellationToken, bool decision = false, Guid? id = null)
    {
        await using var command = Writer.CreateCommand("""
            SELECT verdict FROM ledger.post_journals(
                ARRAY[$1], ARRAY[3], ARRAY[1::bigint], ARRAY['test'], ARRAY[$2], ARRAY[$2], ARRAY['test.raw'], ARRAY[$9], ARRAY[$8],
                ARRAY[1], ARRAY[1], ARRAY[$3], ARRAY['post'], ARRAY['raw'], ARRAY[$4], ARRAY[$5], ARRAY[$6], ARRAY[$7])
            """);
        var journal = id ?? Ids.New<JournalId>().Value;
        object[] values = [journal, journal, Ids.New<JournalId>().Value, debit.Id.Value, credit.Id.Value, amount, currency, decision];
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        command.Parameters.Add(new() { Value = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero), NpgsqlDbType = NpgsqlDbType.TimestampTz });
        return (string)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await Owner.DisposeAsync();
    }
}
