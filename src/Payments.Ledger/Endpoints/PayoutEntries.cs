using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Payouts;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>
/// <c>POST /internal/ledger/payout-entries</c>, and <c>GET</c> and <c>POST /internal/ledger/payouts-to-show</c>: for reconciliation, which reads the
/// bank's statements.
/// </summary>
internal static class PayoutEntries
{
    private const string Reader = "reconciliation";

    public static async Task<IResult> ToShowAsync(PayoutsToShow payouts, CancellationToken cancellationToken) => TypedResults.Ok(await payouts.ReadAsync(cancellationToken));

    public static async Task<IResult> TakenAsync(HttpContext context, PayoutsToShow payouts, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<PayoutEntryList>(context, cancellationToken)).Succeeded(out var taken, out var problem))
        {
            return problem;
        }

        await payouts.TakenAsync(taken, cancellationToken);
        return TypedResults.NoContent();
    }

    public static async Task<IResult> ToldAsync(HttpContext context, PayoutBooks books, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<PayoutEntry>(context, cancellationToken)).Succeeded(out var entry, out var problem))
        {
            return problem;
        }

        if (entry.AmountMinor is 0 or long.MinValue)
        {
            return Problems.InvalidValue("amount_minor", "Some amount is expected that is not zero.");
        }

        if (entry.BookedAt.Year < 2000 || entry.BookedAt > time.GetUtcNow().AddDays(1))
        {
            return Problems.InvalidValue("booked_at", "A time in the past is expected.");
        }

        var verdict = await books.EnterAsync(entry, Reader, cancellationToken);
        return verdict switch
        {
            PayoutVerdict.Done or PayoutVerdict.Duplicate => TypedResults.Ok(new PayoutEntryTaken(entry.Payout, verdict == PayoutVerdict.Duplicate)),
            PayoutVerdict.NotFound => Problems.NotFound("payout", "payout"),
            PayoutVerdict.OtherAmount => new Problem(StatusCodes.Status409Conflict, "payout_amount_differs", "The payout is of another amount or currency.", "amount_minor"),
            _ => PayoutEndpoints.StateConflict with { Param = "payout" },
        };
    }
}
