using Npgsql;
using Payments.Api.Operators;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Merchants;

/// <summary><c>POST /ops/v1/merchants</c></summary>
internal static class CreateMerchant
{
    public sealed record Request(
        string Name,
        bool Active = true,
        RiskTier RiskTier = RiskTier.Standard,
        PlanRequest? Plan = null,
        MonthlyLimits? MonthlyLimits = null,
        Settlement? Settlement = null,
        Routing? Routing = null,
        bool Receipts = true,
        string? StatementDescriptor = null,
        RateLimit? RateLimit = null,
        int CaptureWindowDays = MerchantRules.UsualCaptureWindowDays);

    public sealed record PlanRequest(PlanPrice? Credit = null, PlanPrice? Debit = null, PlanCappedPrice? Ach = null);

    public static async Task<IResult> HandleAsync(HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        var merchant = Of(default, request);
        if (MerchantRules.Check(merchant) is { } invalid)
        {
            return invalid;
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            var created = merchant with { Id = new MerchantId(work.Subject) };
            await MerchantStore.InsertAsync(transaction, created, cancellation);
            await Audit.AppendAsync(transaction, context, "merchant.create", created.Id.ToString(), new { created.Name }, cancellation);
            return IdempotentResponse.Created(await MerchantStore.LockAsync(transaction, created.Id, cancellation));
        }, cancellationToken);
    }

    /// <summary>A merchant with the house's defaults where the request says nothing.</summary>
    public static MerchantView Of(MerchantId id, Request request) => new(
        id, "merchant", request.Name, request.Active, request.RiskTier,
        new PlanView(1, request.Plan?.Credit ?? PlanPrice.DefaultCredit, request.Plan?.Debit ?? PlanPrice.DefaultDebit, request.Plan?.Ach ?? PlanCappedPrice.Default),
        request.MonthlyLimits ?? new MonthlyLimits(), request.Settlement ?? new Settlement(), request.Routing ?? new Routing(),
        request.Receipts, request.StatementDescriptor, request.RateLimit ?? new RateLimit(), request.CaptureWindowDays, default, default);
}
