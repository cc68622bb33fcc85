using Npgsql;
using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Api.Reviews;

/// <summary>
/// What is learned after an authorization and speaks of fraud: the card was blocked, the issuer or the provider warned, a later score
/// rejects. A hold that nobody has captured is released; what was captured is left to its merchant. Safe to repeat.
/// </summary>
public sealed class Suspicions(
    NpgsqlDataSource database, PaymentStore store, PaymentWriter writer, ProviderCalls calls, Execution execution, Recoveries recoveries, IdSource ids, TimeProvider time, ILogger<Suspicions> logger)
{
    /// <summary>What the voiding operation says.</summary>
    public const string Reason = "fraud_suspected";

    private const int LongestReason = 200;
    private const int MostHolds = 1_000;

    /// <param name="Actor">Who says so, for the record.</param>
    public sealed record Request(string Actor, string Reason);

    public sealed record Response(PaymentId PaymentId, PaymentStatus Status, bool Voided);

    /// <summary><c>POST /internal/v1/payments/{id}/suspicion</c>: another service has scored it again.</summary>
    public static async Task<IResult> HandleAsync(string id, HttpContext context, Suspicions suspicions, PaymentStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(suspicions);
        ArgumentNullException.ThrowIfNull(store);
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.Reason.Length is 0 or > LongestReason || request.Actor.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue(request.Actor.Length is 0 or > LongestReason ? "actor" : "reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        if (!Id.TryParse<PaymentId>(id, out var paymentId) || await store.LocateAsync(paymentId, cancellationToken) is not { } key)
        {
            return Problems.NotFound("payment");
        }

        var payment = await suspicions.VoidAsync(key, request.Actor, request.Reason);
        return TypedResults.Json(new Response(payment.Id, payment.Status, IsReleased(payment)), Json.Options);
    }

    /// <summary>Releases the payment's hold, if it holds anything that is not being captured.</summary>
    public async Task<PaymentState> VoidAsync(PaymentKey key, string actor, string why)
    {
        while (true)
        {
            var payment = await store.FindAsync(key, CancellationToken.None) ?? throw new InvariantException("a payment never disappears");
            var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), time.GetUtcNow()) { Reason = Reason };
            var decision = Opening.Void(payment, calls.LimitsOf(payment), opened, OperationOrigin.Review);
            if (decision.Payment is not { } voiding)
            {
                return payment;
            }

            using var span = Recoveries.Start(RecoveryKinds.SuspectedFraudVoided, payment.Id);
            var recovered = Recovered.Of(ids.New<RecoveryId>(), RecoveryKinds.SuspectedFraudVoided, opened.Id.ToString(), actor, why, payment, voiding, opened.Id, opened.AttemptId);
            if (await writer.WriteAsync(Changes.Between(payment, voiding, []) with { Recoveries = [recovered] }) == Verdict.Committed)
            {
                Log.Suspected(logger, payment.Id, why);
                recoveries.Tell(recovered);
                return (await execution.RunAsync(voiding, opened.Id, null, [])).Payment;
            }
        }
    }

    /// <summary>A card was blocked: what it holds in this mode is released. Returns how many holds that were.</summary>
    /// <param name="merchant">Absent: of all merchants.</param>
    public async Task<int> CardBlockedAsync(Mode mode, MerchantId? merchant, string fingerprint, string actor, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT p.merchant_id, p.id FROM holds AS h
            JOIN payments AS p ON p.merchant_id = h.merchant_id AND p.mode = h.mode AND p.id = h.payment_id
            WHERE h.mode = $1 AND ($2::uuid IS NULL OR h.merchant_id = $2) AND p.authorized > p.captured + p.capture_pending + p.released + p.void_pending
              AND p.details::jsonb ->> 'card_fingerprint' = $3
            LIMIT $4
            """;
        await using var command = database.CreateCommand(sql);
        command.With(Words.Of(mode));
        command.Parameters.Add(new() { Value = (object?)merchant?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        command.With(fingerprint, MostHolds);
        var held = new List<PaymentKey>();
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                held.Add(new PaymentKey(MerchantId.From(row.GetGuid(0)), mode, PaymentId.From(row.GetGuid(1))));
            }
        }

        foreach (var payment in held)
        {
            await VoidAsync(payment, actor, "its card was blocked after it was authorized");
        }

        return held.Count;
    }

    private static bool IsReleased(PaymentState payment) => payment.Operations.Any(o => o is { Kind: OperationKind.Void, IsExtra: false, State: not OperationState.Failed });
}
