using Payments.Core;
using Payments.Platform.Http;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Matching;
using Payments.Reconciliation.Reports;

namespace Payments.Reconciliation.Endpoints;

/// <summary><c>GET reports</c>, <c>GET reports/{id}?format=</c>, <c>POST reports/{id}/close</c>, <c>POST match</c>, <c>GET payments/{id}</c></summary>
internal static class ReportEndpoints
{
    private static readonly string[] Formats = ["json", "csv", "html"];

    public sealed record Matched(string Object, int Books, int Days);

    public static async Task<IResult> ListAsync(HttpContext context, DayReports reports, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, after, mode, leg) = (query.Limit(), query.CursorNumber(), query.Choice<Mode>("mode"), query.Choice<Leg>("leg"));
        var provider = query.Word("provider", Book.Providers);
        return query.Problem is { } problem
            ? problem
            : TypedResults.Ok(Page.Of(await reports.ListAsync(mode, leg, provider, after, limit + 1, cancellationToken), limit, r => Cursor.Of(DayReports.NumberOf(r))));
    }

    public static async Task<IResult> GetAsync(string id, HttpContext context, DayReports reports, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var format = query.Word("format", Formats);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (DayReports.Parse(id) is not var (book, day) || await reports.FindAsync(book, day, cancellationToken) is not { } report)
        {
            return Problems.NotFound("report");
        }

        return format switch
        {
            "csv" => TypedResults.Text(ReportText.Csv(report), "text/csv; charset=utf-8"),
            "html" => TypedResults.Text(ReportText.Html(report), "text/html; charset=utf-8"),
            _ => TypedResults.Ok(report),
        };
    }

    // What is closed stays closed: repeating it needs no idempotency key.
    public static async Task<IResult> CloseAsync(string id, DayReports reports, DayClosings closings, CancellationToken cancellationToken)
    {
        if (DayReports.Parse(id) is not var (book, day) || await reports.FindAsync(book, day, cancellationToken) is null)
        {
            return Problems.NotFound("report");
        }

        return await closings.CloseAsync(book, day, cancellationToken) switch
        {
            CloseResult.Now or CloseResult.Closed => TypedResults.Ok(await reports.FindAsync(book, day, cancellationToken)),
            CloseResult.NoKey => new Problem(StatusCodes.Status409Conflict, "closing_key_missing", $"{ReconciliationOptions.Section}:ClosingKey must be set: what is closed is signed.", "id"),
            _ => new Problem(StatusCodes.Status409Conflict, "statement_missing", "No statement speaks of this day yet.", "id"),
        };
    }

    // Comparing twice comes to the same: no key either.
    public static async Task<IResult> MatchAsync(Matcher matcher, CancellationToken cancellationToken)
    {
        var result = await matcher.MatchAsync(null, null, cancellationToken);
        return TypedResults.Ok(new Matched("reconciliation_match", result.Books, result.Days));
    }

    public static async Task<IResult> ExplainAsync(string id, HttpContext context, Explanations explanations, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        if (!Id.TryParse<PaymentId>(id, out var payment))
        {
            return Problems.NotFound("payment");
        }

        var (told, away) = await explanations.FindAsync(payment, cancellationToken);
        return told is not null ? TypedResults.Ok(told) : away ?? Problems.NotFound("payment");
    }
}
