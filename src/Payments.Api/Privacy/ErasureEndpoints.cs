using Payments.Api.Operators;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Privacy;

/// <summary>
/// <c>DELETE /v1/payments/{id}/risk_context</c>, <c>POST /v1/erasures</c> and <c>POST /ops/v1/erasures</c>: what was told of a customer
/// is erased, by whoever told it or by an operator. What is given to find the person is not kept.
/// </summary>
internal static class ErasureEndpoints
{
    private const int LongestReason = 500;

    public sealed record Request(string? CustomerReference = null, string? Email = null)
    {
        /// <summary>Never prints personal data.</summary>
        public override string ToString() => "Request";
    }

    public sealed record OperatorRequest(string MerchantId, Mode Mode, string Reason, string? CustomerReference = null, string? Email = null)
    {
        /// <summary>Never prints personal data.</summary>
        public override string ToString() => "OperatorRequest";
    }

    public static async Task<IResult> PaymentAsync(HttpContext context, string id, Erasures erasures, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        var caller = context.Caller();
        return Id.TryParse<PaymentId>(id, out var payment)
            && await erasures.ErasePaymentAsync(caller.MerchantId, caller.Mode, payment, caller.KeyId.ToString(), cancellationToken)
                ? Results.NoContent()
                : Problems.NotFound("payment");
    }

    public static async Task<IResult> PersonAsync(HttpContext context, IdempotentRequests requests, Erasures erasures, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (Refuse(request.CustomerReference, request.Email) is { } wrong)
        {
            return wrong;
        }

        var caller = context.Caller();
        var person = new Person(caller.MerchantId, caller.Mode, request.CustomerReference, RiskContexts.NormalEmail(request.Email));
        return await requests.RunAsync(context, IdempotencyScope.Of(caller), async (work, cancellation) =>
        {
            var tokens = await erasures.EraseTokensAsync(person, cancellation);
            return IdempotentResponse.Ok(await erasures.ErasePersonAsync(await work.BeginAsync(cancellation), person, tokens, caller.KeyId.ToString(), cancellation));
        }, cancellationToken);
    }

    public static async Task<IResult> ForOperatorAsync(HttpContext context, IdempotentRequests requests, IMerchants merchants, Erasures erasures, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<OperatorRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        if (Refuse(request.CustomerReference, request.Email) is { } wrong)
        {
            return wrong;
        }

        if (!Id.TryParse<MerchantId>(request.MerchantId, out var merchant) || await merchants.FindAsync(merchant, cancellationToken) is null)
        {
            return new Problem(StatusCodes.Status422UnprocessableEntity, "merchant_not_found", "There is no such merchant.", "merchant_id");
        }

        var person = new Person(merchant, request.Mode, request.CustomerReference, RiskContexts.NormalEmail(request.Email));
        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var tokens = await erasures.EraseTokensAsync(person, cancellation);
            var transaction = await work.BeginAsync(cancellation);
            var erased = await erasures.ErasePersonAsync(transaction, person, tokens, context.Operator().Name, cancellation);
            await Audit.AppendAsync(transaction, context, "erasure.create", erased.Id.ToString(), new { erased.MerchantId, erased.Mode, erased.Payments, erased.Tokens, request.Reason }, cancellation);
            return IdempotentResponse.Ok(erased);
        }, cancellationToken);
    }

    private static Problem? Refuse(string? customer, string? email)
    {
        if (customer is null && email is null)
        {
            return new Problem(StatusCodes.Status400BadRequest, "missing_field", "customer_reference or email is required.", "customer_reference");
        }

        return customer is { Length: 0 or > RiskContexts.LongestCustomerReference }
            ? Problems.InvalidValue("customer_reference", $"A text of 1 to {RiskContexts.LongestCustomerReference} characters is expected.")
            : email is not null && !RiskContexts.IsEmail(email) ? Problems.InvalidValue("email", "An e-mail address is expected.") : null;
    }
}
