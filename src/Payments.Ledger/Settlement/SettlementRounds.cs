using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Controls;
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

    // Asked by key, merchant by merchant: the closings of all days are many.
    private const string Closed = """
        SELECT d.place FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) WITH ORDINALITY AS d (mode, merchant, cut, place)
        WHERE EXISTS (SELECT FROM ledger.settlement_closings c WHERE c.mode = d.mode AND c.merchant_id = d.merchant AND c.cut_at >= d.cut)
        """;

    /// <summary>What the last round could not close.</summary>
    public IReadOnlyList<WaitingCutOff> Waiting { get; private set; } = [];

    public RoundPulse Pulse { get; } = metrics.Watch(new RoundPulse("settlement", time));

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(TimeSpan.FromSeconds(options.SettlementSeconds), time, RoundAsync, e => Log.SettlementPostponed(logger, e), stoppingToken);

    public Task RoundAsync(CancellationToken cancellationToken) => Pulse.RunAsync(CloseDueAsync, cancellationToken);

    private async Task CloseDueAsync(CancellationToken cancellationToken)
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
        var (now, all, last) = (time.GetUtcNow(), await terms.AllAsync(cancellationToken), new List<(DateTimeOffset CutAt, DueMerchant Merchant)>());
        await using (var command = database.CreateCommand(Merchants))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                Invariant.Holds(Id.TryParse<MerchantId>(reader.GetString(1), out var merchant), "a merchant's account is owned by a merchant");
                var mode = Words.Parse<Mode>(reader.GetString(0));
                var own = all.GetValueOrDefault((mode, merchant), SettlementTerms.Default);
                var cut = CutOff.LastBefore(own, now);
                last.Add((cut.At, new(mode, merchant, own, cut.PayOn)));
            }
        }

        var closed = await ClosedAsync(last, cancellationToken);
        return [.. last.Where((_, place) => !closed.Contains(place + 1))];
    }

    private async Task<HashSet<long>> ClosedAsync(List<(DateTimeOffset CutAt, DueMerchant Merchant)> last, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Closed).With(
            last.Select(l => Account.Text(l.Merchant.Mode)).ToArray(), last.Select(l => l.Merchant.Merchant.Value).ToArray(), last.Select(l => l.CutAt.ToUniversalTime()).ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var closed = new HashSet<long>();
        while (await reader.ReadAsync(cancellationToken))
        {
            closed.Add(reader.GetInt64(0));
        }

        return closed;
    }
}
