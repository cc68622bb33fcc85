using System.Diagnostics;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Fraud.Scoring;

/// <summary>Scores a payment once: the same payment gets the same decision for ever.</summary>
internal sealed class FraudScorer(NpgsqlDataSource database) : IFraudScorer
{
    public const string BlocklistedCard = "blocklisted_card";
    public const string BlocklistedBin = "blocklisted_bin";

    public async Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var span = FraudTelemetry.Source.StartActivity("fraud score");
        var began = Stopwatch.GetTimestamp();

        // One round trip. The insert loses against an earlier decision of this payment, which is then the answer.
        const string sql = """
            WITH hits AS (
                SELECT kind FROM blocklist
                WHERE mode = $3 AND ((kind = 'fingerprint' AND value = $4) OR (kind = 'bin' AND value = $5)) AND (merchant_id IS NULL OR merchant_id = $2)),
            decided AS (
                SELECT array_remove(ARRAY[
                    CASE WHEN EXISTS (SELECT FROM hits WHERE kind = 'fingerprint') THEN $6::text END,
                    CASE WHEN EXISTS (SELECT FROM hits WHERE kind = 'bin') THEN $7::text END], NULL) AS factors),
            inserted AS (
                INSERT INTO decisions (payment_id, merchant_id, mode, score, verdict, factors)
                SELECT $1, $2, $3,
                    CASE WHEN factors = '{}' THEN 0 ELSE 100 END,
                    CASE WHEN factors = '{}' THEN 'approve' ELSE 'reject' END,
                    factors
                FROM decided
                ON CONFLICT (payment_id) DO NOTHING
                RETURNING score, verdict, factors)
            SELECT score, verdict, factors FROM inserted
            UNION ALL
            SELECT score, verdict, factors FROM decisions WHERE payment_id = $1
            LIMIT 1
            """;
        await using var batch = database.CreateBatch();

        // A decision lost in a crash is made again; the payment path must not wait for this disk.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT set_config('synchronous_commit', 'off', true)"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(sql)
        {
            Parameters =
            {
                new() { Value = request.PaymentId.Value },
                new() { Value = request.MerchantId.Value },
                new() { Value = ModeNames.Of(request.Mode) },
                new() { Value = request.CardFingerprint },
                new() { Value = request.CardBin },
                new() { Value = BlocklistedCard },
                new() { Value = BlocklistedBin },
            },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            // Two first questions at once, and the other's insert was not yet visible to this statement.
            await reader.DisposeAsync();
            return await DecidedAsync(request.PaymentId, cancellationToken);
        }

        var decision = Read(reader);
        FraudTelemetry.Record(decision, Stopwatch.GetElapsedTime(began));
        return decision;
    }

    private async Task<FraudDecision> DecidedAsync(PaymentId payment, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT score, verdict, factors FROM decisions WHERE payment_id = $1");
        command.Parameters.Add(new() { Value = payment.Value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        Invariant.Holds(await reader.ReadAsync(cancellationToken), "a decision that was in the way exists");
        return Read(reader);
    }

    private static FraudDecision Read(NpgsqlDataReader reader) =>
        new(reader.GetInt16(0), Enum.Parse<FraudVerdict>(reader.GetString(1), ignoreCase: true), reader.GetFieldValue<string[]>(2));
}
