using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Payouts;

/// <summary>How many payouts wait in a state, and of those that wait too long how many and the oldest.</summary>
public sealed record WaitingPayouts(PayoutState State, long Count, long Late, PayoutId? Oldest, DateTimeOffset? Since);

/// <summary>Payouts that people, or the bank, have still to do something about.</summary>
public sealed class OpenPayouts(NpgsqlDataSource database, TimeProvider time, LedgerOptions options)
{
    private static readonly PayoutState[] States = [PayoutState.AwaitingApproval, PayoutState.Ready, PayoutState.Sent];

    private const string Waiting = """
        SELECT w.state, count(o.payout_id), count(o.payout_id) FILTER (WHERE o.since < w.late),
            (array_agg(o.payout_id ORDER BY o.since, o.payout_id) FILTER (WHERE o.since < w.late))[1], min(o.since) FILTER (WHERE o.since < w.late)
        FROM unnest($1::text[], $2::timestamptz[]) AS w (state, late) LEFT JOIN ledger.payouts_open o ON o.state = w.state
        GROUP BY w.state ORDER BY w.state
        """;

    public async Task<IReadOnlyList<WaitingPayouts>> CountAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (people, bank) = (now.AddHours(-options.PayoutLateHours), now.AddHours(-options.PayoutUnansweredHours));
        await using var command = database.CreateCommand(Waiting)
            .With(States.Select(s => Words.Of(s)).ToArray(), States.Select(s => s == PayoutState.Sent ? bank : people).ToArray());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var waiting = new List<WaitingPayouts>();
        while (await row.ReadAsync(cancellationToken))
        {
            waiting.Add(new(
                Words.Parse<PayoutState>(row.GetString(0)), row.GetInt64(1), row.GetInt64(2), await row.IsDBNullAsync(3, cancellationToken) ? null : new PayoutId(row.GetGuid(3)),
                await row.IsDBNullAsync(4, cancellationToken) ? null : row.GetFieldValue<DateTimeOffset>(4)));
        }

        return waiting;
    }
}
