using Npgsql;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Settlement;

/// <summary>A merchant's cut-off that has come and is not closed, and why.</summary>
public sealed record WaitingCutOff(Mode Mode, MerchantId Merchant, DateTimeOffset CutAt, CutoffVerdict Verdict);

/// <summary>
/// Closes each merchant's last cut-off. A round that comes late or twice, or of two replicas, comes to the same; what a missed cut-off
/// would have held is in the next one.
/// </summary>
public sealed class SettlementRounds(
    NpgsqlDataSource database, SettlementBatches batches, TermsStore terms, LedgerMetrics metrics, TimeProvider time, LedgerOptions options, ILogger<SettlementRounds> logger) : BackgroundService
{
    private const string Merchants = "SELECT DISTINCT mode, owner FROM ledger.accounts WHERE kind = 'merchant_pending' ORDER BY mode, owner";

    private const string Closed = "SELECT mode, merchant_id, max(cut_at) FROM ledger.settlement_closings GROUP BY mode, merchant_id";

    /// <summary>What the last round could not close.</summary>
    public IReadOnlyList<WaitingCutOff> Waiting { get; private set; } = [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(TimeSpan.FromSeconds(options.SettlementSeconds), time, RoundAsync, e => Log.SettlementPostponed(logger, e), stoppingToken);

    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        var waiting = new List<WaitingCutOff>();
        foreach (var cut in (await DueAsync(cancellationToken)).GroupBy(d => d.CutAt, d => d.Merchant).OrderBy(g => g.Key))
        {
            var outcomes = await batches.CloseAsync(cut.Key, [.. cut], cancellationToken);
            waiting.AddRange(outcomes.Where(o => o.Verdict != CutoffVerdict.Closed).Select(o => new WaitingCutOff(o.Merchant.Mode, o.Merchant.Merchant, cut.Key, o.Verdict)));
            Log.CutOffClosed(logger, cut.Key, outcomes.Count(o => o.Verdict == CutoffVerdict.Closed), outcomes.Count(o => o.Verdict != CutoffVerdict.Closed));
        }

        Waiting = waiting;
        metrics.SettlementsWaiting(waiting.Count);
    }

    private async Task<List<(DateTimeOffset CutAt, DueMerchant Merchant)>> DueAsync(CancellationToken cancellationToken)
    {
        var (now, all, closed) = (time.GetUtcNow(), await terms.AllAsync(cancellationToken), await ClosedAsync(cancellationToken));
        await using var command = database.CreateCommand(Merchants);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var due = new List<(DateTimeOffset, DueMerchant)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            Invariant.Holds(Id.TryParse<MerchantId>(reader.GetString(1), out var merchant), "a merchant's account is owned by a merchant");
            var mode = Words.Parse<Mode>(reader.GetString(0));
            var own = all.GetValueOrDefault((mode, merchant), SettlementTerms.Default);
            var cut = CutOff.LastBefore(own, now);
            if (!closed.TryGetValue((mode, merchant), out var last) || last < cut.At)
            {
                due.Add((cut.At, new(mode, merchant, own, cut.PayOn)));
            }
        }

        return due;
    }

    private async Task<Dictionary<(Mode Mode, MerchantId Merchant), DateTimeOffset>> ClosedAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Closed);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var closed = new Dictionary<(Mode, MerchantId), DateTimeOffset>();
        while (await reader.ReadAsync(cancellationToken))
        {
            closed.Add((Words.Parse<Mode>(reader.GetString(0)), new(reader.GetGuid(1))), reader.GetFieldValue<DateTimeOffset>(2));
        }

        return closed;
    }
}
