using Npgsql;
using Payments.Api.Operators;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Merchants;

/// <summary><c>PATCH /ops/v1/merchants/{id}</c>: what is absent stays, null takes away.</summary>
internal static class ChangeMerchant
{
    public sealed record Request(
        Optional<string> Name = default,
        Optional<bool> Active = default,
        Optional<RiskTier> RiskTier = default,
        Optional<PlanPatch> Plan = default,
        Optional<LimitsPatch> MonthlyLimits = default,
        Optional<SettlementPatch> Settlement = default,
        Optional<RoutingPatch> Routing = default,
        Optional<bool> Receipts = default,
        OptionalOrNull<string> StatementDescriptor = default,
        Optional<RateLimitPatch> RateLimit = default,
        Optional<int> CaptureWindowDays = default);

    public sealed record PlanPatch(Optional<PlanPrice> Credit = default, Optional<PlanPrice> Debit = default, Optional<PlanCappedPrice> Ach = default);

    public sealed record LimitsPatch(Optional<long?> Test = default, Optional<long?> Live = default);

    public sealed record SettlementPatch(Optional<string> Currency = default, Optional<SettlementSchedule> Schedule = default);

    public sealed record RoutingPatch(Optional<Provider?> PreferredProvider = default);

    public sealed record RateLimitPatch(Optional<int?> RequestsPerSecond = default);

    public static async Task<IResult> HandleAsync(string id, HttpContext context, NpgsqlDataSource database, MerchantDirectory directory, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (!Id.TryParse<MerchantId>(id, out var merchantId))
        {
            return Problems.NotFound("merchant");
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await MerchantStore.LockAsync(transaction, merchantId, cancellationToken) is not { } current)
        {
            return Problems.NotFound("merchant");
        }

        var changed = Apply(current, request);
        if (MerchantRules.Check(changed) is { } invalid)
        {
            return invalid;
        }

        await MerchantStore.UpdateAsync(transaction, changed, newPlan: changed.Plan.Version != current.Plan.Version, cancellationToken);
        await Audit.AppendAsync(transaction, context, "merchant.change", merchantId.ToString(), new { Before = current, After = changed }, cancellationToken);
        var stored = await MerchantStore.LockAsync(transaction, merchantId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        directory.Forget(merchantId);
        return TypedResults.Ok(stored);
    }

    internal static MerchantView Apply(MerchantView now, Request request)
    {
        var plan = request.Plan.Or(new PlanPatch());
        var limits = request.MonthlyLimits.Or(new LimitsPatch());
        var settlement = request.Settlement.Or(new SettlementPatch());
        var (credit, debit, ach) = (plan.Credit.Or(now.Plan.Credit), plan.Debit.Or(now.Plan.Debit), plan.Ach.Or(now.Plan.Ach));
        var newPrices = credit != now.Plan.Credit || debit != now.Plan.Debit || ach != now.Plan.Ach;
        return now with
        {
            Name = request.Name.Or(now.Name),
            Active = request.Active.Or(now.Active),
            RiskTier = request.RiskTier.Or(now.RiskTier),
            Plan = newPrices ? new PlanView(checked(now.Plan.Version + 1), credit, debit, ach) : now.Plan,
            MonthlyLimits = new MonthlyLimits(limits.Test.Or(now.MonthlyLimits.Test), limits.Live.Or(now.MonthlyLimits.Live)),
            Settlement = new Settlement(settlement.Currency.Or(now.Settlement.Currency), settlement.Schedule.Or(now.Settlement.Schedule)),
            Routing = new Routing(request.Routing.Or(new RoutingPatch()).PreferredProvider.Or(now.Routing.PreferredProvider)),
            Receipts = request.Receipts.Or(now.Receipts),
            StatementDescriptor = request.StatementDescriptor.Or(now.StatementDescriptor),
            CaptureWindowDays = request.CaptureWindowDays.Or(now.CaptureWindowDays),
            RateLimit = new RateLimit(request.RateLimit.Or(new RateLimitPatch()).RequestsPerSecond.Or(now.RateLimit.RequestsPerSecond)),
        };
    }
}
