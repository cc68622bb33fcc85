using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Merchants;

/// <summary>Merchants as the payment flow reads them, a few seconds old at most.</summary>
internal sealed class MerchantDirectory(NpgsqlDataSource database, TimeProvider time) : IMerchants
{
    private readonly RecentLookups<MerchantId, Merchant> recent = new(time);

    public async Task<Merchant?> FindAsync(MerchantId merchant, CancellationToken cancellationToken) =>
        await recent.FindAsync(merchant, LookUpAsync, cancellationToken);

    /// <summary>To be called after a change was committed.</summary>
    public void Forget(MerchantId merchant) => recent.Forget(merchant);

    private async Task<Merchant?> LookUpAsync(MerchantId id, CancellationToken cancellationToken)
    {
        if (await MerchantStore.FindAsync(database, id, cancellationToken) is not { } found)
        {
            return null;
        }

        var limits = new Dictionary<Mode, long>();
        if (found.MonthlyLimits.Test is { } test)
        {
            limits.Add(Mode.Test, test);
        }

        if (found.MonthlyLimits.Live is { } live)
        {
            limits.Add(Mode.Live, live);
        }

        return new Merchant(
            found.Id, found.Name, found.Active, new FeePlan(found.Plan.Version, PriceOf(found.Plan.Credit), PriceOf(found.Plan.Debit)) { Ach = new CappedPrice(found.Plan.Ach.RatePerMillion, found.Plan.Ach.MostUsCents) },
            found.Routing.PreferredProvider, limits, found.StatementDescriptor, found.Receipts);
    }

    private static CardPrice PriceOf(PlanPrice price) => new(price.RatePerMillion, price.FixedUsCents);
}
