using Payments.Api.Flow;
using Payments.Api.Operators;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Recovery;

/// <summary><c>POST /ops/v1/breaks/{id}/attribute</c>: a charge in suspense becomes a payment of its merchant, and its money leaves suspense.</summary>
internal static class AttributeBreak
{
    private const int LongestReason = 500;

    public sealed record Request(string MerchantId, string Reason);

    /// <summary>Everything that attributing needs.</summary>
    public sealed record Services(
        IdempotentRequests Requests, Breaks Breaks, IMerchants Merchants, PaymentWriter Writer, NoticeStore Notices, Recoveries Recoveries, IdSource Ids, TimeProvider Time);

    public static async Task<IResult> HandleAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        if (!Id.TryParse<BreakId>(id, out var breakId))
        {
            return Problems.NotFound("break");
        }

        return await services.Requests.RunAsync(
            context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) => await RunAsync(services, context, work, breakId, request, cancellation), cancellationToken);
    }

    private static async Task<IdempotentResponse> RunAsync(
        Services services, HttpContext context, IdempotentWork work, BreakId id, Request request, CancellationToken cancellationToken)
    {
        if (await services.Breaks.FindAsync(id, cancellationToken) is not var (found, charge))
        {
            return Problems.NotFound("break");
        }

        if (!Id.TryParse<MerchantId>(request.MerchantId, out var merchantId) || await services.Merchants.FindAsync(merchantId, cancellationToken) is not { } merchant)
        {
            return new Problem(StatusCodes.Status422UnprocessableEntity, "merchant_not_found", "There is no such merchant.", "merchant_id");
        }

        if (found.Status == BreakStatus.Open)
        {
            await AttributeAsync(services, context.Operator().Name, found, charge, merchant, request.Reason);
            found = (await services.Breaks.FindAsync(id, cancellationToken))!.Value.Break;
        }

        // Whoever repeats it after a crash finds it done; another merchant's claim comes too late.
        if (found.MerchantId != merchantId)
        {
            return new Problem(StatusCodes.Status409Conflict, "break_closed", found.Status == BreakStatus.Closed ? "The break was attributed to another merchant." : "The break could not be attributed now; repeat the request.", "id");
        }

        var transaction = await work.BeginAsync(cancellationToken);
        await Audit.AppendAsync(transaction, context, "break.attribute", id.ToString(), new { found.MerchantId, found.PaymentId, request.Reason }, cancellationToken);
        return IdempotentResponse.Ok(found);
    }

    private static async Task AttributeAsync(Services services, string by, Break found, ProviderCharge charge, Merchant merchant, string reason)
    {
        var (ids, at) = (services.Ids, services.Time.GetUtcNow());
        using var span = Recoveries.Start(RecoveryKinds.ChargeAttributed, found.PaymentId);
        var blank = Phantoms.BlankOf(charge, merchant, found.PaymentId, ids.New<AttemptId>(), ids.New<OperationId>(), at);
        var (payment, happenings) = Recovering.Attributed(charge, blank, ids.New<OperationId>(), ids.New<OperationId>);
        var recovered = Recovered.Of(ids.New<RecoveryId>(), RecoveryKinds.ChargeAttributed, found.Id.ToString(), by, reason, found, payment.View()) with
        {
            MerchantId = merchant.Id,
            Mode = payment.Mode,
            PaymentId = payment.Id,
            AttemptId = blank.Opened.AttemptId,
        };
        var verdict = await services.Writer.WriteAsync(new Change(0, payment, payment.Operations, happenings)
        {
            Attribution = new Attribution(found.Id, by, reason),
            Volume = Changes.VolumeOf(payment, payment.Amount.Minor, null),
            Recoveries = [recovered],
        });
        if (verdict == Verdict.Committed)
        {
            FlowTelemetry.Created(payment);
            services.Recoveries.Tell(recovered);
        }

        // What the provider told meanwhile found no payment; now there is one.
        await services.Notices.TakeUpAgainAsync(charge.Provider, charge.Mode, charge.Reference, CancellationToken.None);
    }
}
