using Payments.Core;
using Payments.Platform.Http;
using Payments.Reconciliation.Fetching;

namespace Payments.Reconciliation.Endpoints;

/// <summary><c>POST /internal/v1/reconciliation/announcements</c>: a provider told that a report is there. Repeating it comes to the same.</summary>
internal static class AnnouncementEndpoint
{
    private const int LongestName = 200;

    public sealed record Announcement(Mode Mode, string Provider, string Name);

    /// <param name="State">due: it will be fetched; ignored: it does not settle payments.</param>
    public sealed record Answer(string Object, string Name, string State);

    public static async Task<IResult> HandleAsync(HttpContext context, FetchList list, FetchSignal signal, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Announcement>(context, cancellationToken)).Succeeded(out var told, out var problem))
        {
            return problem;
        }

        if (told.Name.Length is 0 or > LongestName)
        {
            return Problems.InvalidValue("name", $"A text of 1 to {LongestName} characters is expected.");
        }

        if (!Fetcher.IsSettlement(told.Provider, told.Name))
        {
            return TypedResults.Ok(new Answer("report_announcement", told.Name, "ignored"));
        }

        await list.AddAsync(told.Mode, told.Provider, told.Name, again: true, cancellationToken);
        signal.Announced();
        return TypedResults.Ok(new Answer("report_announcement", told.Name, "due"));
    }
}
