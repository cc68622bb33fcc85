using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Fraud.Metrics;

/// <summary>Of which payments: those created from one moment to before another, in one mode, of one merchant or of all.</summary>
internal sealed record RiskPeriod(Mode Mode, MerchantId? Merchant, DateTimeOffset From, DateTimeOffset To);

/// <summary>Everything that is counted for one period.</summary>
/// <param name="Counts">By the names that <see cref="RiskMetric"/> divides.</param>
/// <param name="QueueSeconds">By the percentiles of <see cref="RiskDuration.Reviews"/>; null where no review was decided.</param>
/// <param name="Buckets">Counts by bucket of <see cref="DurationBuckets"/>.</param>
internal sealed record RiskFigures(
    IReadOnlyDictionary<string, long> Counts, IReadOnlyList<double?> QueueSeconds, IReadOnlyDictionary<TimedKind, IReadOnlyDictionary<int, long>> Buckets)
{
    public static async Task<RiskFigures> ReadAsync(NpgsqlDataSource database, RiskPeriod period, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);

        // One snapshot: a figure and what it is divided by are of the same moment.
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var (counts, queue) = await CountAsync(connection, transaction, period, cancellationToken);
        return new(counts, queue, await TimesAsync(connection, transaction, period, cancellationToken));
    }

    private static async Task<(Dictionary<string, long> Counts, double?[] Queue)> CountAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, RiskPeriod period, CancellationToken cancellationToken)
    {
        // A payment is known as fraud by its chargeback before anything else that was said of it, then by the newest label. Few payments have labels, and few
        // are refused: reading the period twice takes less than keeping it all.
        const string sql = """
            WITH known AS NOT MATERIALIZED (
                SELECT o.*, l.fraud IS TRUE AS fraud, l.chargeback IS TRUE AS chargeback,
                    o.verdict = 'reject' OR o.review_outcome IS NOT DISTINCT FROM 'rejected' AS refused
                FROM risk_outcomes AS o
                LEFT JOIN (
                    SELECT payment_id, (array_agg(fraud ORDER BY (source = 'chargeback') DESC, known_at DESC))[1] AS fraud, bool_or(source = 'chargeback') AS chargeback
                    FROM labels GROUP BY payment_id) AS l ON l.payment_id = o.payment_id
                WHERE o.mode = $1 AND o.created_at >= $2 AND o.created_at < $3 AND ($4::uuid IS NULL OR o.merchant_id = $4) AND o.verdict IS NOT NULL),
            returned AS (
                SELECT count(*) AS payments FROM known AS k JOIN decisions AS d ON d.payment_id = k.payment_id JOIN attempts AS a ON a.attempt = d.attempt
                WHERE k.refused AND NOT k.fraud
                    AND EXISTS (
                        SELECT FROM attempts AS later JOIN risk_outcomes AS o ON o.payment_id = later.payment_id
                        WHERE later.card = a.card AND later.mode = k.mode AND later.at > a.at AND later.at <= a.at + interval '30 days' AND o.captured > 0)
                    AND NOT EXISTS (
                        SELECT FROM attempts AS other JOIN labels AS l ON l.payment_id = other.payment_id
                        WHERE other.card = a.card AND other.mode = k.mode AND l.fraud)),
            counted AS (
                SELECT
                    count(*) AS decisions,
                    COALESCE(sum(captured) FILTER (WHERE fraud), 0)::bigint AS fraud_value,
                    COALESCE(sum(captured), 0)::bigint AS captured_value,
                    count(*) FILTER (WHERE captured > 0) AS captured,
                    count(*) FILTER (WHERE chargeback) AS chargebacks,
                    count(*) FILTER (WHERE NOT refused AND NOT fraud) AS good,
                    count(*) FILTER (WHERE verdict = 'review') AS reviews,
                    count(*) FILTER (WHERE verdict = 'approve' AND asked IS DISTINCT FROM 'challenge') AS auto_approved,
                    count(*) FILTER (WHERE verdict = 'reject') AS rejected,
                    count(*) FILTER (WHERE authorization_is = 'approved') AS approved,
                    count(*) FILTER (WHERE authorization_is IN ('approved', 'declined')) AS answered,
                    count(*) FILTER (WHERE verdict <> 'reject') AS sent,
                    count(*) FILTER (WHERE verdict <> 'reject' AND asked IN ('no_preference', 'challenge')) AS asked,
                    count(*) FILTER (WHERE verdict <> 'reject' AND asked IN ('no_preference', 'challenge') AND authenticated IS NOT NULL) AS asked_known,
                    count(*) FILTER (WHERE verdict <> 'reject' AND asked IN ('no_preference', 'challenge') AND authenticated IN ('authenticated', 'attempted')) AS authenticated,
                    count(*) FILTER (WHERE verdict <> 'reject' AND challenged) AS challenged,
                    count(*) FILTER (WHERE review_decided_at IS NOT NULL) AS reviews_decided,
                    count(*) FILTER (WHERE review_decided_at IS NOT NULL AND review_outcome = 'approved') AS reviews_approved,
                    count(*) FILTER (WHERE review_decided_at IS NOT NULL AND review_automatic) AS reviews_automatic,
                    count(*) FILTER (WHERE review_opened_at IS NOT NULL AND review_outcome IS NULL) AS reviews_open,
                    count(*) FILTER (WHERE without_service) AS without_service,
                    count(*) FILTER (WHERE without_model) AS without_model,
                    percentile_cont($5::double precision[]) WITHIN GROUP (ORDER BY extract(epoch FROM review_decided_at - review_opened_at)::double precision) AS queue
                FROM known)
            SELECT c.*, r.payments AS false_declines, c.good + r.payments AS good_attempts FROM counted AS c CROSS JOIN returned AS r
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.Parameters.Add(new() { Value = ModeNames.Of(period.Mode) });
        command.Parameters.Add(new() { Value = period.From.ToUniversalTime() });
        command.Parameters.Add(new() { Value = period.To.ToUniversalTime() });
        command.Parameters.Add(new() { Value = (object?)period.Merchant?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = RiskDuration.Reviews.Select(d => d.Percent / 100).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        Invariant.Holds(await reader.ReadAsync(cancellationToken), "counting answers one row");
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        double?[] queue = [];
        for (var column = 0; column < reader.FieldCount; column++)
        {
            if (reader.GetName(column) == "queue")
            {
                queue = reader.IsDBNull(column) ? new double?[RiskDuration.Reviews.Length] : reader.GetFieldValue<double?[]>(column);
            }
            else
            {
                counts.Add(reader.GetName(column), reader.GetInt64(column));
            }
        }

        return (counts, queue);
    }

    private static async Task<Dictionary<TimedKind, IReadOnlyDictionary<int, long>>> TimesAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, RiskPeriod period, CancellationToken cancellationToken)
    {
        const string sql = "SELECT kind, bucket::integer, sum(count)::bigint FROM risk_latencies WHERE mode = $1 AND hour >= $2 AND hour < $3 GROUP BY kind, bucket";
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.Parameters.Add(new() { Value = ModeNames.Of(period.Mode) });
        command.Parameters.Add(new() { Value = period.From.ToUniversalTime() });
        command.Parameters.Add(new() { Value = period.To.ToUniversalTime() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var times = Enum.GetValues<TimedKind>().ToDictionary(k => k, _ => new Dictionary<int, long>());
        while (await reader.ReadAsync(cancellationToken))
        {
            times[Words.Parse<TimedKind>(reader.GetString(0))].Add(reader.GetInt32(1), reader.GetInt64(2));
        }

        return times.ToDictionary(t => t.Key, IReadOnlyDictionary<int, long> (t) => t.Value);
    }
}
