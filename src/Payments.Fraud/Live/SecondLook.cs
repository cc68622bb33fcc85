using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Scoring;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Live;

/// <summary>
/// Scores payments again whose card, customer, address, device or e-mail address took part in a payment that has turned out to be fraud
/// since. Of one that would be rejected now the payment path is told, which releases what it still holds. One replica at a time; a look
/// is kept before anybody is told, and telling is safe to repeat.
/// </summary>
internal sealed class SecondLook(
    NpgsqlDataSource database, LiveFeatures features, LoadedModels models, ModelMetrics metrics, IHttpClientFactory clients, ModelOptions options, TimeProvider time, ILogger<SecondLook> logger)
    : BackgroundService
{
    /// <summary>The service that is told.</summary>
    public const string PaymentPath = "Api";

    /// <summary>Who says so, in the payment path's record.</summary>
    public const string Actor = "fraud model";

    private const int AtOnce = 500;
    private const long Turn = 0x667261756402;

    /// <summary>A label is seen at most so long after the moment that it carries, and a payment's row is written behind its decision.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(10);

    /// <summary>What a payment tells of itself stays what it was; what its parties turned out to be is as of now.</summary>
    private static readonly int[] Hindsight = [.. Enumerable.Range(0, FeatureCatalogue.Count).Where(i => FeatureCatalogue.All[i].Factor.EndsWith("_fraud_history", StringComparison.Ordinal))];

    // Not those that rules or lists have allowed: whoever wrote them knew better than a model, and does so still.
    private const string Touched = $"""
        WITH known AS (
            SELECT l.payment_id, a.card, a.customer, a.ip, a.device, a.email
            FROM labels AS l JOIN decisions AS d ON d.payment_id = l.payment_id JOIN attempts AS a ON a.attempt = d.attempt
            WHERE l.mode = $1 AND l.fraud AND l.known_at > $2 AND l.known_at <= $3),
        touched AS (
            SELECT t.payment_id, min(k.payment_id::text)::uuid AS because_of
            FROM known AS k CROSS JOIN LATERAL (
                SELECT payment_id FROM attempts WHERE card = k.card AND at > now() - $4
                UNION SELECT payment_id FROM attempts WHERE customer = k.customer AND at > now() - $4
                UNION SELECT payment_id FROM attempts WHERE ip = k.ip AND at > now() - $4
                UNION SELECT payment_id FROM attempts WHERE device = k.device AND at > now() - $4
                UNION SELECT payment_id FROM attempts WHERE email = k.email AND at > now() - $4) AS t
            WHERE NOT EXISTS (SELECT FROM second_looks AS s WHERE s.payment_id = t.payment_id AND (s.suspected OR s.because_of = k.payment_id))
            GROUP BY t.payment_id)
        SELECT {StoredOccurrences.Parties}, t.because_of, r.features, c.names, r.score
        FROM touched AS t
        JOIN decisions AS d ON d.payment_id = t.payment_id AND d.mode = $1 AND d.verdict <> 'reject'
        JOIN model_rows AS r ON r.payment_id = t.payment_id
        JOIN model_catalogues AS c ON c.id = r.catalogue
        WHERE NOT EXISTS (SELECT FROM labels AS l WHERE l.payment_id = t.payment_id)
          AND NOT EXISTS (SELECT FROM model_answers AS m WHERE m.payment_id = t.payment_id AND m.kind = 'declined')
          AND NOT EXISTS (
              SELECT FROM unnest(d.factors) AS f (reason)
              WHERE f.reason LIKE 'allowlisted\_%' OR EXISTS (SELECT FROM rule_versions AS v WHERE v.mode = $1 AND v.action = 'allow' AND v.reason = f.reason))
        ORDER BY r.payment_id LIMIT $5
        """;

    private sealed record Looked(PaymentId Payment, Guid BecauseOf, MerchantId Merchant, PaymentFact Fact, float[] Row, double? Before);

    private sealed record Told(PaymentStatus Status, bool Voided);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.SecondLookDays == 0
        ? Task.CompletedTask
        : Rounds.RunAsync(
            TimeSpan.FromMilliseconds(options.SecondLookMilliseconds), time, RoundAsync, e => ModelLog.NotLookedAgain(logger, e.GetType().Name), stoppingToken);

    internal async Task RoundAsync(CancellationToken cancellationToken)
    {
        // What this process has not heard of yet cannot be in its features: that is for the next round.
        if (features.Reached is not { } reached)
        {
            return;
        }

        using var untraced = Untraced.Begin();
        await SessionTurn.RunAsync(
            database, Turn,
            async (connection, token) =>
            {
                foreach (var mode in Enum.GetValues<Mode>())
                {
                    await LookAsync(connection, mode, reached, token);
                }

                await TellAsync(connection, token);
            },
            cancellationToken);
    }

    /// <summary>Without a model nobody looks, and what became known meanwhile stays as it is: rules look at an attempt, not back.</summary>
    private async Task LookAsync(NpgsqlConnection connection, Mode mode, DateTimeOffset reached, CancellationToken cancellationToken)
    {
        var from = await ProgressAsync(connection, mode, reached, cancellationToken);
        if (from >= reached)
        {
            return;
        }

        // The same models for the whole round: each look is kept, so the next part begins behind it.
        if (models.Of(mode) is { Champion: not null } set)
        {
            List<Looked> touched;
            do
            {
                touched = await TouchedAsync(connection, mode, from - Overlap, reached, cancellationToken);
                foreach (var payment in touched)
                {
                    await KeepAsync(connection, mode, set.For(payment.Merchant)!.Value, payment, cancellationToken);
                }
            }
            while (touched.Count == AtOnce);
        }

        await using var done = new NpgsqlCommand("UPDATE second_look_progress SET reached = $2 WHERE mode = $1 AND reached < $2", connection).With(ModeNames.Of(mode), reached);
        await done.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Where the last round ended; the first one begins with what becomes known from now on.</summary>
    private static async Task<DateTimeOffset> ProgressAsync(NpgsqlConnection connection, Mode mode, DateTimeOffset reached, CancellationToken cancellationToken)
    {
        const string sql = """
            WITH begun AS (INSERT INTO second_look_progress (mode, reached) VALUES ($1, $2) ON CONFLICT (mode) DO NOTHING RETURNING reached)
            SELECT reached FROM begun UNION ALL SELECT reached FROM second_look_progress WHERE mode = $1 LIMIT 1
            """;
        await using var command = new NpgsqlCommand(sql, connection).With(ModeNames.Of(mode), reached);
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
    }

    private async Task<List<Looked>> TouchedAsync(NpgsqlConnection connection, Mode mode, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Touched, connection).With(ModeNames.Of(mode), from, to, TimeSpan.FromDays(options.SecondLookDays), AtOnce);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var touched = new List<Looked>();
        while (await reader.ReadAsync(cancellationToken))
        {
            touched.Add(new(
                PaymentId.From(reader.GetGuid(0)), reader.GetGuid(10), MerchantId.From(reader.GetGuid(1)), StoredOccurrences.FactOf(reader) with { At = to.ToUnixTimeSeconds() },
                StoredRow.Decode(reader.GetFieldValue<byte[]>(11), reader.GetFieldValue<string[]>(12)), reader.IsDBNull(13) ? null : reader.GetDouble(13)));
        }

        return touched;
    }

    private async Task KeepAsync(NpgsqlConnection connection, Mode mode, DecidingModels deciding, Looked payment, CancellationToken cancellationToken)
    {
        var now = new float[FeatureCatalogue.Count];
        features.Describe(mode, payment.Fact, now);
        foreach (var i in Hindsight)
        {
            payment.Row[i] = now[i];
        }

        var score = deciding.Score(payment.Row).Probability * 100;
        var suspected = DecisionPolicy.Points(score) >= DecisionPolicy.RejectFrom;
        const string sql = """
            INSERT INTO second_looks (payment_id, because_of, mode, merchant_id, model_id, score_before, score, suspected) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT DO NOTHING
            """;
        await using var command = new NpgsqlCommand(sql, connection).With(payment.Payment.Value, payment.BecauseOf, ModeNames.Of(mode), payment.Merchant.Value, deciding.Champion.Record.Id.Value);
        command.Parameters.Add(new() { Value = (object?)payment.Before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Double });
        command.With(score, suspected);
        if (await command.ExecuteNonQueryAsync(cancellationToken) == 1)
        {
            metrics.LookedAgain(suspected);
            if (suspected)
            {
                ModelLog.SuspectedLater(logger, payment.Payment.ToString(), DecisionPolicy.Points(payment.Before ?? 0), DecisionPolicy.Points(score));
            }
        }
    }

    private async Task TellAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var untold = new List<(Guid Payment, Guid BecauseOf, double Score)>();
        await using (var command = new NpgsqlCommand("SELECT payment_id, because_of, score FROM second_looks WHERE suspected AND told_at IS NULL ORDER BY at LIMIT $1", connection).With(AtOnce))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                untold.Add((reader.GetGuid(0), reader.GetGuid(1), reader.GetDouble(2)));
            }
        }

        foreach (var (payment, becauseOf, score) in untold)
        {
            try
            {
                if (await ReleaseAsync(PaymentId.From(payment), score, cancellationToken) is { } released)
                {
                    await using var told = new NpgsqlCommand("UPDATE second_looks SET told_at = now(), released = $3 WHERE payment_id = $1 AND because_of = $2", connection)
                        .With(payment, becauseOf, released);
                    await told.ExecuteNonQueryAsync(cancellationToken);
                }
            }
            catch (HttpRequestException e) when (e.StatusCode is not null)
            {
                // One that is answered so must not keep the others waiting.
                ModelLog.NotLookedAgain(logger, $"{(int)e.StatusCode}");
            }
        }
    }

    /// <returns>
    /// Whether its hold was released: what was captured meanwhile is its merchant's to give back, and a payment of which nothing became was never there. Null
    /// where it is not known yet whether there is a hold: to be asked again.
    /// </returns>
    private async Task<bool?> ReleaseAsync(PaymentId payment, double score, CancellationToken cancellationToken)
    {
        using var path = clients.CreateInternalClient(PaymentPath);
        var reason = string.Create(CultureInfo.InvariantCulture, $"scores {DecisionPolicy.Points(score)} by what has become known since");
        using var answer = await path.PostAsJsonAsync(new Uri($"internal/v1/payments/{payment}/suspicion", UriKind.Relative), new { actor = Actor, reason }, Json.Options, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        answer.EnsureSuccessStatusCode();
        var told = await answer.Content.ReadFromJsonAsync<Told>(Json.Options, cancellationToken) ?? throw new JsonException("The body is null.");
        return told switch
        {
            { Voided: true } => true,
            { Status: PaymentStatus.Created or PaymentStatus.Authorizing or PaymentStatus.Processing or PaymentStatus.Pending3ds } => null,
            _ => false,
        };
    }
}
