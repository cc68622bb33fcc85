using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Api.Recovery;

/// <summary>
/// <c>POST /internal/v1/reported_charges</c>: a charge that only a settlement report tells of. It goes the way of every charge that is found; a
/// report names no merchant, so that what is no attempt's of ours goes to suspense.
/// </summary>
internal static class ReportedCharges
{
    public const string Finder = "settlement report";

    private const int LongestReference = 200;

    public static async Task<IResult> HandleAsync(HttpContext context, Phantoms phantoms, PaymentStore store, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<ReportedCharge>(context, cancellationToken)).Succeeded(out var told, out var problem))
        {
            return problem;
        }

        if (Check(told) is { } wrong)
        {
            return wrong;
        }

        ChargeVerdict? verdict = await IsSecondAsync(told, store, cancellationToken) ? null : await phantoms.TakeInAsync(ChargeOf(told), Finder, cancellationToken);
        return TypedResults.Json(new ReportedChargeAnswer(verdict), Json.Options);
    }

    /// <summary>The payment has another charge. A second one is undone on the word of the provider itself; a line of a report may be wrong, and is corrected by a later one.</summary>
    private static async Task<bool> IsSecondAsync(ReportedCharge told, PaymentStore store, CancellationToken cancellationToken) =>
        told.Attempt is { } attempt
        && await store.LocateAsync(told.Mode, told.Provider, told.Reference, null, attempt, null, cancellationToken) is { } key
        && await store.FindAsync(key, cancellationToken) is { AuthorizingAttempt.PaymentReference: { } other } payment && other != told.Reference
        && !payment.Operations.Any(o => o.ProviderReference == told.Reference || o.Attempts.Any(a => a.PaymentReference == told.Reference || a.ModificationReference == told.Reference));

    // Settled is what was captured; what else was held of it is not held any more.
    private static ProviderCharge ChargeOf(ReportedCharge told) => new(told.Provider, told.Mode, told.Reference, told.AmountMinor, told.Currency, ChargeState.Taken, told.OccurredAt)
    {
        CapturedMinor = told.AmountMinor,
        CaptureMethod = CaptureMethod.Automatic,
        AttemptId = told.Attempt,
        Card = new PaymentMethodView("card", null, null, null, null, null),
    };

    private static Problem? Check(ReportedCharge told) =>
        told.Reference.Length is 0 or > LongestReference ? Problems.InvalidValue("reference", $"A name of 1 to {LongestReference} characters is expected.")
        : !Currency.TryFind(told.Currency, out var currency) ? Problems.InvalidValue("currency", "An accepted currency is expected.")
        : told.AmountMinor < 1 || told.AmountMinor > currency!.LargestPayment ? Problems.InvalidValue("amount_minor", "An amount that a payment may have is expected.")
        : told.OccurredAt.Year is < 2000 or > 2100 ? Problems.InvalidValue("occurred_at", "A time is expected.")
        : null;
}
