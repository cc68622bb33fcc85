using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>
/// Payments that are alike: of the same order, or of the same card, amount and currency within minutes. Both may be meant (split orders
/// are), so a person is told and no money is touched; what belongs to one payment for sure is undone by <see cref="SecondCharges"/>.
/// </summary>
public sealed class LikelyDuplicates(NpgsqlDataSource database, NoticeStore notices, IdSource ids, ILogger<LikelyDuplicates> logger)
{
    /// <summary>How far back one of a pair was made, or was settled: a payment whose outcome was unknown may be alike hours later.</summary>
    public static readonly TimeSpan LookBack = TimeSpan.FromMinutes(30);

    /// <summary>Between two payments of one card.</summary>
    public static readonly TimeSpan CardWindow = TimeSpan.FromMinutes(10);

    /// <summary>Between two payments of one order.</summary>
    public static readonly TimeSpan OrderWindow = TimeSpan.FromDays(7);

    private const int AtOnce = 200;

    /// <summary>
    /// Raises an incident for each new pair; returns how many. A payment is raised once, also after its incident was closed. One replica
    /// at a time: one look is enough.
    /// </summary>
    public async Task<int> LookAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var turn = await connection.BeginTransactionAsync(cancellationToken);
        await using (var take = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock(hashtext('likely_duplicates'))", connection, turn))
        {
            if (!(bool)(await take.ExecuteScalarAsync(cancellationToken))!)
            {
                return 0;
            }
        }

        var found = await FindAsync(turn, cancellationToken);
        foreach (var pair in found)
        {
            var incident = new Incident(ids.New<IncidentId>(), IncidentKinds.LikelyDuplicate, null, $"Holds or took money like {pair.Earlier}: {pair.Likeness}.") { Subject = pair.Later.ToString() };
            await notices.RaiseAsync(pair.Merchant, pair.Mode, pair.Later, incident, cancellationToken);
            Log.LikelyDuplicate(logger, pair.Later, pair.Earlier, pair.Likeness);
        }

        return found.Count;
    }

    private static async Task<List<Pair>> FindAsync(NpgsqlTransaction turn, CancellationToken cancellationToken)
    {
        // Late: settled long after it was made, by the resolver, a webhook or a listing; meanwhile the customer may have paid again.
        const string sql = """
            WITH recent AS MATERIALIZED (
                SELECT p.merchant_id, p.mode, p.id, p.order_id, p.currency, p.amount, p.details::jsonb->>'card_fingerprint' AS card
                FROM payments AS p
                WHERE p.id >= uuid_floor(now() - $1 - $2) AND p.authorized > p.released + p.refunded
            ), late AS MATERIALIZED (
                SELECT DISTINCT p.merchant_id, p.mode, p.id, p.order_id, p.currency, p.amount, p.details::jsonb->>'card_fingerprint' AS card
                FROM attempts AS a
                JOIN operations AS o ON o.merchant_id = a.merchant_id AND o.mode = a.mode AND o.payment_id = a.payment_id AND o.id = a.operation_id
                JOIN payments AS p ON p.merchant_id = a.merchant_id AND p.mode = a.mode AND p.id = a.payment_id
                WHERE a.state = 'succeeded' AND a.closed_at - uuid_time(a.payment_id) > interval '20 minutes' AND a.closed_at >= now() - $1
                  AND o.kind = 'authorize' AND p.authorized > p.released + p.refunded
            ), alike AS (
                SELECT later.merchant_id, later.mode, later.id AS one, earlier.id AS other, 'the same order' AS likeness
                FROM recent AS later
                JOIN payments AS earlier ON earlier.merchant_id = later.merchant_id AND earlier.mode = later.mode AND earlier.order_id = later.order_id
                WHERE later.id >= uuid_floor(now() - $1) AND earlier.id < later.id
                  AND earlier.id >= uuid_floor(now() - $1 - $3) AND uuid_time(earlier.id) >= uuid_time(later.id) - $3
                  AND earlier.authorized > earlier.released + earlier.refunded
                UNION ALL
                SELECT later.merchant_id, later.mode, later.id, earlier.id, 'the same card, amount and currency within minutes'
                FROM recent AS later
                JOIN recent AS earlier ON earlier.merchant_id = later.merchant_id AND earlier.mode = later.mode AND earlier.card = later.card
                  AND earlier.currency = later.currency AND earlier.amount = later.amount
                WHERE later.id >= uuid_floor(now() - $1) AND earlier.id < later.id AND uuid_time(earlier.id) >= uuid_time(later.id) - $2
                UNION ALL
                SELECT late.merchant_id, late.mode, late.id, other.id, 'the same order'
                FROM late
                JOIN payments AS other ON other.merchant_id = late.merchant_id AND other.mode = late.mode AND other.order_id = late.order_id
                WHERE other.id <> late.id AND other.id BETWEEN uuid_floor(uuid_time(late.id) - $3) AND uuid_floor(uuid_time(late.id) + $3)
                  AND other.authorized > other.released + other.refunded
                UNION ALL
                SELECT late.merchant_id, late.mode, late.id, other.id, 'the same card, amount and currency within minutes'
                FROM late
                JOIN payments AS other ON other.merchant_id = late.merchant_id AND other.mode = late.mode AND other.currency = late.currency
                  AND other.amount = late.amount AND other.details::jsonb->>'card_fingerprint' = late.card
                WHERE other.id <> late.id AND other.id BETWEEN uuid_floor(uuid_time(late.id) - $2) AND uuid_floor(uuid_time(late.id) + $2)
                  AND other.authorized > other.released + other.refunded
            )
            SELECT DISTINCT ON (a.later) a.merchant_id, a.mode, a.later, a.earlier, a.likeness
            FROM (SELECT merchant_id, mode, greatest(one, other) AS later, least(one, other) AS earlier, likeness FROM alike) AS a
            WHERE NOT EXISTS (SELECT FROM incidents AS i WHERE i.payment_id = a.later AND i.kind = $4)
            ORDER BY a.later, a.likeness DESC, a.earlier DESC
            LIMIT $5
            """;
        await using var command = new NpgsqlCommand(sql, turn.Connection, turn).With(LookBack, CardWindow, OrderWindow, IncidentKinds.LikelyDuplicate, AtOnce);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Pair>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(new Pair(
                MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), PaymentId.From(row.GetGuid(2)), PaymentId.From(row.GetGuid(3)), row.GetString(4)));
        }

        return found;
    }

    private sealed record Pair(MerchantId Merchant, Mode Mode, PaymentId Later, PaymentId Earlier, string Likeness);
}

/// <summary>Looks for likely duplicates now and then.</summary>
public sealed class LikelyDuplicateWatch(LikelyDuplicates duplicates, TimeProvider time, IOptions<FlowOptions> options, ILogger<LikelyDuplicateWatch> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        TimeSpan.FromMilliseconds(options.Value.LikelyDuplicatesMilliseconds), time, duplicates.LookAsync, e => Log.LikenessNotLookedFor(logger, e), stoppingToken);
}
