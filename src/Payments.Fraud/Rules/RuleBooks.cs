using Npgsql;
using Payments.Core;
using Payments.Fraud.Lists;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Rules;

/// <summary>The current <see cref="RuleBook"/>: read again when its revision changes, which every process notices within a second.</summary>
internal sealed class RuleBooks(NpgsqlDataSource database, EntityHash hash, TimeProvider time, ILogger<RuleBooks> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim reading = new(1, 1);
    private RuleBook? current;

    /// <summary>Read first by whoever asks first; a database that cannot be asked then is an outage.</summary>
    public ValueTask<RuleBook> CurrentAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref current) is { } book ? ValueTask.FromResult(book) : new ValueTask<RuleBook>(RefreshAsync(cancellationToken));

    /// <summary>Reads what has changed, so that whoever changed it meets it at once.</summary>
    public async Task<RuleBook> RefreshAsync(CancellationToken cancellationToken)
    {
        await reading.WaitAsync(cancellationToken);
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var ask = new NpgsqlCommand("SELECT revision FROM risk_revision", connection);
            var revision = (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
            if (current is not { } known || known.Revision != revision)
            {
                // Of one moment, and of a revision that is at least as old: a later one is noticed again.
                await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
                var book = new RuleBook(revision, await RulesAsync(transaction, cancellationToken), await EntriesAsync(transaction, cancellationToken));
                Volatile.Write(ref current, book);
            }

            return current!;
        }
        finally
        {
            reading.Release();
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        reading.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Platform.Untraced.Begin();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RefreshAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                Log.RulesNotRead(logger, e.GetType().Name);
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<List<(Mode Mode, Guid? Merchant, ActiveRule Rule)>> RulesAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT r.mode, r.merchant_id, r.name, v.version, v.condition, v.action, v.reason
            FROM rules AS r JOIN rule_versions AS v ON v.rule_id = r.id AND v.version = r.active_version
            ORDER BY r.id
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rules = new List<(Mode, Guid?, ActiveRule)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (RuleExpression.Parse(reader.GetString(4), hash, out var error) is { } condition)
            {
                rules.Add((Words.Parse<Mode>(reader.GetString(0)), reader.IsDBNull(1) ? null : reader.GetGuid(1), new ActiveRule(condition, Words.Parse<RuleAction>(reader.GetString(5)), reader.GetString(6))));
            }
            else
            {
                // Saved by a version of this program that knew more.
                Log.RuleNotUnderstood(logger, reader.GetString(2), reader.GetInt32(3), error!.Message);
            }
        }

        return rules;
    }

    private static async Task<List<ListedValue>> EntriesAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT mode, merchant_id, action, kind, value FROM list_entries ORDER BY id", transaction.Connection, transaction);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var entries = new List<ListedValue>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(new ListedValue(
                Words.Parse<Mode>(reader.GetString(0)), reader.IsDBNull(1) ? null : reader.GetGuid(1), Words.Parse<ListAction>(reader.GetString(2)),
                Words.Parse<ListKind>(reader.GetString(3)), reader.GetString(4)));
        }

        return entries;
    }
}
