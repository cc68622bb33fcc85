using System.Text.Json;
using Payments.Api.Operators;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Recovery;

/// <summary>
/// <c>GET /ops/v1/incidents</c>, <c>GET /ops/v1/incidents/{id}</c>, and <c>POST …/assign</c>, <c>…/notes</c>, <c>…/close</c>: what a
/// person must look at, and what came of it.
/// </summary>
internal static class IncidentEndpoints
{
    private const int LongestName = 100;
    private const int LongestText = 2000;

    public sealed record Assignment(string Assignee);

    public sealed record NewNote(string Note);

    public sealed record Closing(string Reason);

    public static async Task<IResult> ListAsync(HttpContext context, Incidents incidents, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var filter = new IncidentFilter(query.Choice<IncidentStatus>("status"), query.Word("kind", IncidentKinds.All.Select(k => k.Name)), query.Id<PaymentId>("payment"));
        var (after, limit) = (query.CursorId(), query.Limit());
        return query.Problem is { } problem
            ? problem
            : TypedResults.Json(Page.Of(await incidents.ListAsync(filter, after, limit + 1, cancellationToken), limit, i => Cursor.Of(i.Id.Value)), Json.Options);
    }

    /// <summary>One incident with its notes.</summary>
    public static async Task<IResult> OneAsync(string id, HttpContext context, Incidents incidents, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        if (!Id.TryParse<IncidentId>(id, out var incidentId) || await incidents.FindAsync(incidentId, cancellationToken) is not { } incident)
        {
            return Problems.NotFound("incident");
        }

        var full = JsonSerializer.SerializeToNode(incident, Json.Options)!.AsObject();
        full["notes"] = JsonSerializer.SerializeToNode(await incidents.NotesAsync(incidentId, cancellationToken), Json.Options);
        return TypedResults.Json(full, Json.Options);
    }

    public static async Task<IResult> AssignAsync(string id, HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Assignment>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return CheckText("assignee", request.Assignee, LongestName) is { } wrong
            ? wrong
            : await ChangeAsync(id, context, requests, "incident.assign", async (work, incident, cancellation) =>
            {
                var transaction = await work.BeginAsync(cancellation);
                await Incidents.AssignAsync(transaction, incident.Id, request.Assignee, cancellation);
                return new { Before = incident.Assignee, After = request.Assignee };
            }, cancellationToken);
    }

    public static async Task<IResult> NoteAsync(string id, HttpContext context, IdempotentRequests requests, IdSource ids, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<NewNote>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return CheckText("note", request.Note, LongestText) is { } wrong
            ? wrong
            : await ChangeAsync(id, context, requests, "incident.note", async (work, incident, cancellation) =>
            {
                var transaction = await work.BeginAsync(cancellation);
                var note = new IncidentNote(ids.New<IncidentNoteId>(), time.GetUtcNow(), context.Operator().Name, request.Note);
                await Incidents.NoteAsync(transaction, incident.Id, note, cancellation);
                return note;
            }, cancellationToken);
    }

    /// <summary>Closing again changes nothing: the first reason stands.</summary>
    public static async Task<IResult> CloseAsync(string id, HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Closing>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return CheckText("reason", request.Reason, LongestText) is { } wrong
            ? wrong
            : await ChangeAsync(id, context, requests, "incident.close", async (work, incident, cancellation) =>
            {
                var transaction = await work.BeginAsync(cancellation);
                if (incident.Status == IncidentStatus.Open)
                {
                    await Incidents.CloseAsync(transaction, incident.Id, context.Operator().Name, request.Reason, cancellation);
                }

                return new { request.Reason, WasOpen = incident.Status == IncidentStatus.Open };
            }, cancellationToken);
    }

    /// <summary>One change of an incident, with its entry in the audit, answered by how the incident stands then.</summary>
    private static async Task<IResult> ChangeAsync<TDetail>(
        string id, HttpContext context, IdempotentRequests requests, string action, Func<IdempotentWork, IncidentView, CancellationToken, Task<TDetail>> change,
        CancellationToken cancellationToken)
    {
        if (!Id.TryParse<IncidentId>(id, out var incidentId))
        {
            return Problems.NotFound("incident");
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            if (await Incidents.LockAsync(transaction, incidentId, cancellation) is not { } incident)
            {
                return Problems.NotFound("incident");
            }

            var detail = await change(work, incident, cancellation);
            await Audit.AppendAsync(transaction, context, action, incidentId.ToString(), detail, cancellation);
            return IdempotentResponse.Ok(await Incidents.LockAsync(transaction, incidentId, cancellation));
        }, cancellationToken);
    }

    private static Problem? CheckText(string name, string text, int longest) =>
        text.Length == 0 || text.Length > longest ? Problems.InvalidValue(name, $"A text of 1 to {longest} characters is expected.") : null;
}
