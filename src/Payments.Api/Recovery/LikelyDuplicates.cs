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
    /// <summary>How far back a process looks that has not looked before, at what came to hold or take money.</summary>
    public static readonly TimeSpan LookBack = TimeSpan.FromMinutes(30);

    /// <summary>Between two payments of one card.</summary>
    public static readonly TimeSpan CardWindow = TimeSpan.FromMinutes(10);

    /// <summary>Between two payments of one order.</summary>
    public static readonly TimeSpan OrderWindow = TimeSpan.FromDays(7);

    /// <summary>Clocks differ, and what was learned is committed a moment later.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(2);

    /// <summary>What took longer from its making until it was settled is found by an index of its own (<c>attempts_settled_late</c>).</summary>
    private static readonly TimeSpan LateAfter = TimeSpan.FromMinutes(20);

    private const int AtOnce = 200;

    private DateTimeOffset? looked;

    /// <summary>
    /// Raises an incident for each new pair of which one came to hold or take money since the last look; returns how many. A payment is
    /// raised once, also after its incident was closed. One replica at a time: one look is enough.
    /// </summary>
    public async Task<int> LookAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var turn = await connection.BeginTransactionAsync(cancellationToken);
        if (await TakeTurnAsync(turn, cancellationToken) is not { } now)
        {
            return 0;
        }

        var since = looked is { } last && last > now - LookBack ? last - Margin : now - LookBack;
        var found = await FindAsync(turn, since, now, cancellationToken);
        foreach (var pair in found)
        {
            var incident = new Incident(ids.New<IncidentId>(), IncidentKinds.LikelyDuplicate, null, $"Holds or took money like {pair.Earlier}: {pair.Likeness}.") { Subject = pair.Later.ToString() };
            await notices.RaiseAsync(pair.Merchant, pair.Mode, pair.Later, incident, cancellationToken);
            Log.LikelyDuplicate(logger, pair.Later, pair.Earlier, pair.Likeness);
        }

        // There may be more than could be told at once.
        looked = found.Count < AtOnce ? now : looked;
        return found.Count;
    }

    /// <returns>The database's time, or null where another replica is at it.</returns>
    private static async Task<DateTimeOffset?> TakeTurnAsync(NpgsqlTransaction turn, CancellationToken cancellationToken)
    {
        // Hundreds of thousands of payments meet, in memory: merging would sort them, with everything that stands in them. One process for it: customers wait for the others.
        const string sql = """
            SELECT now(), set_config('enable_mergejoin', 'off', true), set_config('work_mem', '32MB', true), set_config('max_parallel_workers_per_gather', '0', true)
            WHERE pg_try_advisory_xact_lock(hashtext('likely_duplicates'))
            """;
        await using var take = new NpgsqlCommand(sql, turn.Connection, turn);
        return await take.ExecuteScalarAsync(cancellationToken) is DateTime now ? new DateTimeOffset(now) : null;
    }

    /// <param name="since">Of each pair one came to hold or take money since then, by our own learning of it.</param>
    private static async Task<List<Pair>> FindAsync(NpgsqlTransaction turn, DateTimeOffset since, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // An upper bound spares the partitions of months to come. Late: settled long after it was made, by the resolver, a webhook or a listing; meanwhile the customer may have paid again. The card stands in the
        // details, which are opened only where the amount is another's too.
        const string sql = """
            WITH settled AS MATERIALIZED (
                SELECT p.merchant_id, p.mode, p.id, p.order_id, p.currency, p.amount
                FROM payments AS p
                WHERE p.id BETWEEN $6 AND $9 AND p.authorized_at >= $1 AND p.authorized > p.released + p.refunded
            ), around AS MATERIALIZED (
                SELECT p.merchant_id, p.mode, p.id, p.currency, p.amount, p.details::jsonb->>'card_fingerprint' AS card
                FROM payments AS p
                WHERE p.id BETWEEN $7 AND $9 AND p.authorized > p.released + p.refunded AND EXISTS (
                    SELECT FROM settled AS s WHERE s.merchant_id = p.merchant_id AND s.mode = p.mode AND s.currency = p.currency AND s.amount = p.amount AND s.id <> p.id)
            ), paired AS MATERIALIZED (
                SELECT p.merchant_id, p.mode, p.id, p.currency, p.amount, p.details::jsonb->>'card_fingerprint' AS card
                FROM settled AS s JOIN payments AS p ON p.merchant_id = s.merchant_id AND p.mode = s.mode AND p.id = s.id
                WHERE EXISTS (
                    SELECT FROM around AS a WHERE a.merchant_id = s.merchant_id AND a.mode = s.mode AND a.currency = s.currency AND a.amount = s.amount AND a.id <> s.id)
            ), late AS MATERIALIZED (
                SELECT DISTINCT p.merchant_id, p.mode, p.id, p.order_id, p.currency, p.amount, p.details::jsonb->>'card_fingerprint' AS card
                FROM attempts AS a
                JOIN operations AS o ON o.merchant_id = a.merchant_id AND o.mode = a.mode AND o.payment_id = a.payment_id AND o.id = a.operation_id
                JOIN payments AS p ON p.merchant_id = a.merchant_id AND p.mode = a.mode AND p.id = a.payment_id
                WHERE a.state = 'succeeded' AND a.closed_at - uuid_time(a.payment_id) > interval '20 minutes' AND a.closed_at >= $1
                  AND o.kind = 'authorize' AND p.authorized > p.released + p.refunded
            ), alike AS (
                SELECT s.merchant_id, s.mode, s.id AS one, other.id AS other, 'the same order' AS likeness
                FROM settled AS s
                JOIN payments AS other ON other.merchant_id = s.merchant_id AND other.mode = s.mode AND other.order_id = s.order_id
                WHERE other.id <> s.id AND other.id BETWEEN $8 AND $9 AND other.authorized > other.released + other.refunded
                  AND uuid_time(other.id) BETWEEN uuid_time(s.id) - $3 AND uuid_time(s.id) + $3
                UNION ALL
                SELECT p.merchant_id, p.mode, p.id, other.id, 'the same card, amount and currency within minutes'
                FROM paired AS p
                JOIN around AS other ON other.merchant_id = p.merchant_id AND other.mode = p.mode AND other.card = p.card
                  AND other.currency = p.currency AND other.amount = p.amount
                WHERE other.id <> p.id AND uuid_time(other.id) BETWEEN uuid_time(p.id) - $2 AND uuid_time(p.id) + $2
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
        var oldest = since - LateAfter;
        await using var command = new NpgsqlCommand(sql, turn.Connection, turn).With(
            since, CardWindow, OrderWindow, IncidentKinds.LikelyDuplicate, AtOnce, Id.FirstAt(oldest), Id.FirstAt(oldest - CardWindow), Id.FirstAt(oldest - OrderWindow),
            Id.FirstAt(now + Margin));
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
