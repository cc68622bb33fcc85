using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Bookings;

/// <summary>A payout that a provider announced, and that the ledger is not asked to book.</summary>
/// <param name="Reason">How the bank's leg stands; or <c>not_compared</c>, <c>lines_not_compared</c>, <c>parts_differ</c>, <c>corrected</c>.</param>
/// <param name="Difference">What was paid less what its lines come to; only of <c>parts_differ</c>.</param>
public sealed record UnnotedPayoutView(string Object, Mode Mode, string Provider, string Reference, string Currency, long Amount, DateOnly Day, string Reason, long Difference, DateTimeOffset Since);

/// <summary>How many payouts are not noted for a reason, and of those that a person should look at how many and the oldest.</summary>
public sealed record UnnotedCount(string Reason, long Count, long Late, string? Oldest, DateTimeOffset? Since);

/// <summary>Payouts that comparisons could not note: each of them leaves the provider's receivable as it is.</summary>
public sealed class UnnotedPayouts(NpgsqlDataSource database, TimeProvider time, IOptions<ReconciliationOptions> options)
{
    // That a report does not come to its own payout, or that its entry was booked already, is known at once; the rest may still put itself right.
    private const string Count = """
        SELECT reason, count(*), count(*) FILTER (WHERE since < $1 OR reason IN ('parts_differ', 'corrected')),
            (array_agg(provider || ' ' || reference || ' ' || currency ORDER BY since, item_id) FILTER (WHERE since < $1 OR reason IN ('parts_differ', 'corrected')))[1], min(since) FILTER (WHERE since < $1 OR reason IN ('parts_differ', 'corrected'))
        FROM recon.payouts_unnoted GROUP BY reason ORDER BY reason
        """;

    private const string List = """
        SELECT mode, provider, reference, currency, amount, day, reason, difference, since, item_id FROM recon.payouts_unnoted
        WHERE ($1::uuid IS NULL OR item_id < $1) AND ($2::text IS NULL OR mode = $2) ORDER BY item_id DESC LIMIT $3
        """;

    public async Task<IReadOnlyList<UnnotedCount>> CountAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Count).With(time.GetUtcNow().AddDays(-options.Value.UnnotedDays));
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        var counts = new List<UnnotedCount>();
        while (await r.ReadAsync(cancellationToken))
        {
            counts.Add(new(
                r.GetString(0), r.GetInt64(1), r.GetInt64(2), await r.IsDBNullAsync(3, cancellationToken) ? null : r.GetString(3),
                await r.IsDBNullAsync(4, cancellationToken) ? null : r.GetFieldValue<DateTimeOffset>(4)));
        }

        return counts;
    }

    /// <summary><c>GET unnoted_payouts</c>: in the order of ids that say nothing.</summary>
    public static async Task<IResult> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, after, mode) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand(List).With(after, mode is { } m ? ModeNames.Of(m) : null, limit + 1);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<(Guid Id, UnnotedPayoutView View)>();
        while (await r.ReadAsync(cancellationToken))
        {
            rows.Add((r.GetGuid(9), new(
                "unnoted_payout", Words.Parse<Mode>(r.GetString(0)), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt64(4), r.GetFieldValue<DateOnly>(5), r.GetString(6), r.GetInt64(7),
                r.GetFieldValue<DateTimeOffset>(8))));
        }

        var page = Page.Of(rows, limit, row => Cursor.Of(row.Id));
        return TypedResults.Ok(new Page<UnnotedPayoutView>([.. page.Data.Select(d => d.View)], page.HasMore, page.NextCursor));
    }
}

/// <summary>Degraded while payouts are not noted that should be: nothing of them is in the books.</summary>
public sealed class UnnotedHealth(UnnotedPayouts payouts) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var late = (await payouts.CountAsync(cancellationToken)).Where(c => c.Late > 0).OrderBy(c => c.Since).ToList();
        return late.Count == 0
            ? HealthCheckResult.Healthy("Every payout is noted, or may still be.")
            : HealthCheckResult.Degraded($"{late.Sum(c => c.Late)} payouts are not noted, the oldest is {late[0].Oldest} since {late[0].Since:O}: {late[0].Reason}.");
    }
}
