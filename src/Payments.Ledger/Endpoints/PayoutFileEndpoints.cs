using Payments.Core;
using Payments.Ledger.Payouts;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

public sealed record PayoutFileView(PayoutFileId Id, string Object, Mode Mode, string Currency, DateOnly ExecuteOn, int Payouts, long Total, string Sha256, DateTimeOffset MadeAt);

/// <param name="Unchanged">Told before, not final, or not in a state that comes there.</param>
public sealed record PayoutStatusesView(string Object, PayoutFileId File, int Changed, int Unchanged);

/// <summary>
/// <c>POST /internal/v1/ops/payout_files</c>, <c>GET …/{id}</c> (with <c>Accept: application/xml</c> the bank file itself), and
/// <c>POST …/payout_statuses</c> with what the bank answers.
/// </summary>
internal static class PayoutFileEndpoints
{
    internal sealed record Request(Mode Mode, string Currency, DateTimeOffset ExecuteOn);

    internal sealed record Answer(string Document);

    // Repeated, it takes what became ready since, and never a payout twice.
    public static async Task<IResult> MakeAsync(HttpContext context, PayoutFiles files, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var wanted, out var problem))
        {
            return problem;
        }

        if (!Currency.TryFind(wanted.Currency, out var currency))
        {
            return Problems.InvalidValue("currency", "An accepted currency is expected.");
        }

        if (files.Debtor is null)
        {
            return new Problem(StatusCodes.Status409Conflict, "payout_debtor_missing", "Our own account is not configured (Payments:Ledger:PayoutDebtorName, PayoutDebtorIban, PayoutDebtorBic).", "path");
        }

        return await files.MakeAsync(wanted.Mode, currency, DateOnly.FromDateTime(wanted.ExecuteOn.UtcDateTime), InternalHeaders.ActorOf(context), cancellationToken) is { } file
            ? TypedResults.Ok(Of(file))
            : new Problem(StatusCodes.Status409Conflict, "no_payout_ready", "No payout of this currency is ready, or payouts are stopped.", "currency");
    }

    public static async Task<IResult> GetAsync(string id, HttpContext context, PayoutFiles files, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<PayoutFileId>(id, out var file) || await files.ReadAsync(file, cancellationToken) is not { } found)
        {
            return Problems.NotFound("payout_file");
        }

        var xml = context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == "application/xml");
        return xml ? TypedResults.Bytes(found.Bytes, "application/xml") : TypedResults.Ok(Of(found.File));
    }

    public static async Task<IResult> AnswerAsync(HttpContext context, PayoutFiles files, PayoutBooks books, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Answer>(context, cancellationToken)).Succeeded(out var answer, out var problem))
        {
            return problem;
        }

        if (PaymentStatusReport.Read(answer.Document) is not { } report)
        {
            return Problems.InvalidValue("document", "A pain.002 about a file of ours is expected.");
        }

        var ofFile = await files.PayoutsOfAsync(report.File, cancellationToken);
        if (ofFile.Count == 0 || report.Payouts.Any(p => p.Payout is { } named && !ofFile.Contains(named)))
        {
            return Problems.InvalidValue("document", "A pain.002 about a file of ours and its payouts is expected.");
        }

        var (changed, unchanged) = (0, 0);
        foreach (var (payout, told) in report.Payouts.SelectMany(p => p.Payout is { } named ? [(named, p)] : ofFile.Select(o => (o, p))))
        {
            var done = told.State is { } state
                && await books.ChangeAsync(payout, state, report.File.ToString(), told.Reason, InternalHeaders.ActorOf(context), time.GetUtcNow(), cancellationToken) == PayoutVerdict.Done;
            (changed, unchanged) = done ? (changed + 1, unchanged) : (changed, unchanged + 1);
        }

        return TypedResults.Ok(new PayoutStatusesView("payout_statuses", report.File, changed, unchanged));
    }

    private static PayoutFileView Of(PayoutFile file) => new(file.Id, "payout_file", file.Mode, file.Currency, file.ExecuteOn, file.Payouts, file.Total, file.Sha256, file.MadeAt);
}
