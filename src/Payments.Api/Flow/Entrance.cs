using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Flow;

/// <summary>A merchant's POST: who asks, under which key, for what.</summary>
public sealed record MerchantRequest(Caller Caller, RequestKey Key, byte[] Fingerprint)
{
    public Claim ClaimFor(OperationId? operation) => new(Key, Fingerprint, operation);
}

/// <summary>
/// Where every POST about payments comes in: its key is read, an answer that exists is given again. Redis is asked first and believed
/// only where it has the answer; the unique key of the database decides.
/// </summary>
public sealed class Entrance(RequestFingerprint fingerprints, RequestCache cache, PaymentStore store, Resolver resolver)
{
    private static readonly Problem StillRunning = Problems.IdempotencyKeyInUse;

    public async Task<Read<MerchantRequest>> EnterAsync(HttpContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!IdempotencyKey.Read(context).Succeeded(out var key, out var problem))
        {
            return problem;
        }

        if (!(await RequestBytes.ReadAsync(context, cancellationToken)).Succeeded(out var body, out problem))
        {
            return problem;
        }

        var caller = context.Caller();
        return new MerchantRequest(caller, new RequestKey(caller.Class, key), fingerprints.Of(context.Request.Method, context.Request.Path + context.Request.QueryString, body));
    }

    /// <summary>What repeats and races of one request have in common, for those who must not know the merchant's key: 64 hexadecimal digits.</summary>
    public string HashOf(MerchantRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Convert.ToHexStringLower(fingerprints.OfWords(
            "payment.request", request.Caller.MerchantId.ToString(), Words.Of(request.Caller.Mode), Words.Of(request.Key.Class), request.Key.Text));
    }

    /// <summary>The answer that Redis remembers, if any.</summary>
    public async Task<IResult?> RecallAsync(MerchantRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (await cache.FindAsync(request.Caller.MerchantId, request.Caller.Mode, request.Key, cancellationToken) is not { } found)
        {
            return null;
        }

        return found.Fingerprint.AsSpan().SequenceEqual(request.Fingerprint) ? new RawAnswer(found.Status, found.Body, replayed: true) : Problems.IdempotencyKeyReused;
    }

    /// <summary>What the database says to this key; null where it is free.</summary>
    public async Task<IResult?> ReplayAsync(MerchantRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var (merchant, mode) = (request.Caller.MerchantId, request.Caller.Mode);
        if (await store.FindRequestAsync(merchant, mode, request.Key, cancellationToken) is not { } stored)
        {
            return null;
        }

        // Of a request that was put back after a restore only the key is known.
        if (stored.Fingerprint.Length > 0 && !stored.Fingerprint.AsSpan().SequenceEqual(request.Fingerprint))
        {
            return Problems.IdempotencyKeyReused;
        }

        var payment = new PaymentKey(merchant, mode, stored.PaymentId);
        if (stored.State != RequestState.Final && stored.OperationId is { } operation && await resolver.SettleIfDueAsync(payment, operation, cancellationToken))
        {
            stored = await store.FindRequestAsync(merchant, mode, request.Key, cancellationToken) ?? stored;
        }

        switch (stored.State)
        {
            case RequestState.Final:
                // Which body a restored key belongs to is not known: what is remembered for this one would be refused to the right one.
                if (stored.Fingerprint.Length > 0)
                {
                    Remember(request, stored.Status!.Value, stored.Body!, stored.Age);
                }

                return new RawAnswer(stored.Status!.Value, stored.Body!, replayed: true);
            case RequestState.Unresolved:
                return await UnresolvedAsync(payment, stored.OperationId, replayed: true, cancellationToken);
            default:
                return StillRunning;
        }
    }

    /// <summary>A refusal is nobody's stored answer, but a repeat of a request that was accepted must not meet one.</summary>
    public async Task<IResult> RefuseAsync(MerchantRequest request, Problem problem, CancellationToken cancellationToken) =>
        await ReplayAsync(request, cancellationToken) ?? problem;

    /// <summary>Answers a request that has run: finally if its operation is settled, with 202 otherwise.</summary>
    public async Task<IResult> AnswerAsync(MerchantRequest request, Ran ran, OperationId operationId)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(ran);
        if (ran.Answer is { Status: { } known, Body: { } bytes })
        {
            Remember(request, known, bytes, TimeSpan.Zero);
            Steps.Reached(Steps.AnswerBefore);
            return new RawAnswer(known, bytes, replayed: false);
        }

        var payment = ran.Payment;
        var operation = payment.Operations.First(o => o.Id == operationId);
        if (Answers.IsReleased(operation))
        {
            return new Problem(
                StatusCodes.Status503ServiceUnavailable, "provider_unavailable",
                "The payment's provider cannot be reached; nothing was done. Repeat the request with the same Idempotency-Key.")
            { RetryAfter = TimeSpan.FromSeconds(5) };
        }

        if (operation.State == OperationState.Open || Answers.IsUnresolved(operation))
        {
            return new RawAnswer(StatusCodes.Status202Accepted, Answers.Body(payment, operation), replayed: false);
        }

        // A webhook was faster: whoever settled the operation stored the answer in the same commit.
        var stored = await store.FindRequestAsync(request.Caller.MerchantId, request.Caller.Mode, request.Key, CancellationToken.None);
        if (stored is not { State: RequestState.Final, Status: { } status, Body: { } body, Age: var age })
        {
            throw new InvariantException("a settled operation has a stored answer");
        }

        Remember(request, status, body, age);
        Steps.Reached(Steps.AnswerBefore);
        return new RawAnswer(status, body, replayed: false);
    }

    /// <param name="age">Since the answer became final: giving it again does not make it live longer.</param>
    public void Remember(MerchantRequest request, int status, byte[] body, TimeSpan age)
    {
        ArgumentNullException.ThrowIfNull(request);
        cache.Remember(request.Caller.MerchantId, request.Caller.Mode, request.Key, new CachedAnswer(request.Fingerprint, status, body), age);
    }

    private async Task<IResult> UnresolvedAsync(PaymentKey key, OperationId? operationId, bool replayed, CancellationToken cancellationToken)
    {
        var payment = await store.FindAsync(key, cancellationToken) ?? throw new InvariantException("a request belongs to a payment");
        var operation = payment.Operations.First(o => o.Id == operationId);
        return new RawAnswer(StatusCodes.Status202Accepted, Answers.Body(payment, operation), replayed);
    }
}
