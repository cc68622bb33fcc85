using Microsoft.AspNetCore.Http.HttpResults;
using Payments.Core;
using Payments.Ledger.Payouts;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Ledger.Endpoints;

public sealed record PayoutFileView(PayoutFileId Id, string Object, Mode Mode, string Currency, DateOnly ExecuteOn, int Payouts, long Total, string Sha256, DateTimeOffset MadeAt);

/// <param name="Unchanged">Told before, not final, or not in a state that comes there.</param>
/// <param name="SecondPersonNeeded">What would make an amount payable again: it counts when another person says so, or uploads the same.</param>
public sealed record PayoutStatusReportView(string Object, PayoutFileId File, int Changed, int Unchanged, int SecondPersonNeeded);

/// <summary>
/// <c>POST</c> and <c>GET /internal/v1/ops/payout_files</c>, <c>GET …/{id}</c> (with <c>Accept: application/xml</c> the bank file itself), and
/// <c>PUT …/{id}/status_report</c> with what the bank answers.
/// </summary>
internal static class PayoutFileEndpoints
{
    /// <summary>Of a bank's answer, which names each transfer: more than any file of ours needs.</summary>
    public const int LargestReport = 16 * 1024 * 1024;

    private const int LongestAhead = 30;

    private static readonly Problem NotXml = new(StatusCodes.Status415UnsupportedMediaType, "unsupported_report_type", "Send the bank's answer as application/xml.", "Content-Type");
    private static readonly Problem NoReport = new(StatusCodes.Status400BadRequest, "invalid_status_report", "A pain.002 about this file and its payouts is expected.", "body");

    private static readonly Problem NothingReady =
        new(StatusCodes.Status409Conflict, "no_payout_ready", "No payout of this currency is ready, or payouts are stopped.", "currency");

    private static readonly Problem AccountUnconfirmed = new(
        StatusCodes.Status409Conflict, "payout_account_unconfirmed", "Payouts of this currency are ready, and go to bank accounts that one person changed: another one has to give the same account.", "currency");

    /// <param name="ExecuteOn">Absent: today.</param>
    internal sealed record Request(Mode Mode, string Currency, DateOnly? ExecuteOn = null);

    // Repeated under its key it is answered with the file that it made; under another one it takes what became ready since, and never a payout twice.
    public static async Task<IResult> MakeAsync(HttpContext context, PayoutFiles files, IdempotentRequests requests, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var wanted, out var problem))
        {
            return problem;
        }

        if (!Currency.TryFind(wanted.Currency, out var currency))
        {
            return Problems.InvalidValue("currency", "An accepted currency is expected.");
        }

        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var executeOn = wanted.ExecuteOn ?? today;
        if (executeOn < today || executeOn > today.AddDays(LongestAhead))
        {
            return Problems.InvalidValue("execute_on", $"A day from today to {LongestAhead} days ahead is expected.");
        }

        if (files.Debtor is null)
        {
            return new Problem(StatusCodes.Status409Conflict, "payout_debtor_missing", "Our own account is not configured (Payments:Ledger:PayoutDebtorName, PayoutDebtorIban, PayoutDebtorBic).", "path");
        }

        var answer = await requests.RunAsync(context, OperatorScope.Of(context), async (work, cancellation) =>
            await files.MakeAsync(await work.BeginAsync(cancellation), new(work.Subject), wanted.Mode, currency, executeOn, InternalHeaders.ActorOf(context), cancellation) is { } file
                ? IdempotentResponse.Ok(Of(file))
                : await files.WaitForAccountsAsync(wanted.Mode, currency, cancellation) ? AccountUnconfirmed : NothingReady, cancellationToken);
        Steps.Reached(PayoutSteps.FileAfter);
        return answer;
    }

    public static async Task<Results<Ok<Page<PayoutFileView>>, Problem>> ListAsync(HttpContext context, PayoutFiles files, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, mode, currency) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"), query.Currency("currency"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await files.ListAsync(cursor, mode, currency, limit + 1, cancellationToken);
        return TypedResults.Ok(Page.Of([.. found.Select(Of)], limit, f => Cursor.Of(f.Id.Value)));
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

    // Told again it changes nothing.
    public static async Task<IResult> AnswerAsync(string id, HttpContext context, PayoutFiles files, PayoutBooks books, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<PayoutFileId>(id, out var file) || await files.PayoutsOfAsync(file, cancellationToken) is not { Count: > 0 } ofFile)
        {
            return Problems.NotFound("payout_file");
        }

        if (!(await RequestBytes.ReadAsync(context, cancellationToken)).Succeeded(out var body, out var problem))
        {
            return problem;
        }

        if (context.Request.GetTypedHeaders().ContentType?.MediaType.Value is not ("application/xml" or "text/xml"))
        {
            return NotXml;
        }

        if (PaymentStatusReport.Read(body) is not { } report || report.File != file || report.Payouts.Any(p => p.Payout is { } named && !ofFile.Contains(named)))
        {
            return NoReport;
        }

        var (evidence, changed, waiting, all) = (BankEvidence.StatusReport(body), 0, 0, 0);
        foreach (var (payout, told) in report.Payouts.SelectMany(p => p.Payout is { } named ? [(named, p)] : ofFile.Select(o => (o, p))))
        {
            var verdict = told.State is { } state
                ? await books.ChangeAsync(payout, new(state, file.ToString(), told.Reason, InternalHeaders.PersonOf(context), time.GetUtcNow(), evidence), cancellationToken)
                : PayoutVerdict.Duplicate;
            all++;
            changed += verdict == PayoutVerdict.Done ? 1 : 0;
            waiting += verdict == PayoutVerdict.SecondPersonNeeded ? 1 : 0;
        }

        return TypedResults.Ok(new PayoutStatusReportView("payout_status_report", file, changed, all - changed - waiting, waiting));
    }

    private static PayoutFileView Of(PayoutFile file) => new(file.Id, "payout_file", file.Mode, file.Currency, file.ExecuteOn, file.Payouts, file.Total, file.Sha256, file.MadeAt);
}
