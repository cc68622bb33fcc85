using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Reconciliation.Bookings;
using Payments.Reconciliation.Breaks;

namespace Payments.Reconciliation.Endpoints;

/// <summary>
/// <c>GET breaks</c>, <c>GET breaks/{id}</c>, and <c>POST …/assign</c>, <c>…/notes</c>, <c>…/resolve</c>, <c>…/approve</c>. Each of these
/// comes to the same when it is repeated, so they keep no answers under idempotency keys.
/// </summary>
internal static class BreakEndpoints
{
    private const int LongestName = 100;
    private const int LongestText = 2000;

    public sealed record Assignment(string Owner);

    public sealed record NewNote(string Note);

    /// <param name="Journal">The ledger's journal that puts it right; or a reason in words.</param>
    /// <param name="Correction">Who bears the difference: the ledger is asked to book what follows from it. With a reason and the version that was seen.</param>
    /// <param name="Merchant">Whose it is, where a merchant bears what nothing of ours knows.</param>
    public sealed record Resolution(JournalId? Journal = null, string? Reason = null, Bearer? Correction = null, int? Version = null, MerchantId? Merchant = null);

    /// <param name="Version">Of the break when the proposal was seen.</param>
    public sealed record Approval(int Version);

    public static async Task<IResult> ListAsync(HttpContext context, BreakStore breaks, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, after, state) = (query.Limit(), query.CursorId(), query.Choice<BreakState>("state"));
        return query.Problem is { } problem
            ? problem
            : TypedResults.Ok(Page.Of(await breaks.ListAsync(state, after, limit + 1, cancellationToken), limit, b => Cursor.Of(b.Id.Value)));
    }

    public static async Task<IResult> GetAsync(string id, HttpContext context, BreakStore breaks, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        return await AnswerAsync(id, breaks, cancellationToken);
    }

    public static async Task<IResult> AssignAsync(string id, HttpContext context, BreakStore breaks, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Assignment>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (CheckText("owner", request.Owner, LongestName) is { } wrong)
        {
            return wrong;
        }

        return Id.TryParse<ReconciliationBreakId>(id, out var breakId) && await breaks.AssignAsync(breakId, request.Owner, cancellationToken)
            ? await AnswerAsync(id, breaks, cancellationToken)
            : Problems.NotFound("break");
    }

    public static async Task<IResult> NoteAsync(string id, HttpContext context, BreakStore breaks, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<NewNote>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (CheckText("note", request.Note, LongestText) is { } wrong)
        {
            return wrong;
        }

        return Id.TryParse<ReconciliationBreakId>(id, out var breakId) && await breaks.NoteAsync(breakId, InternalHeaders.ActorOf(context), request.Note, cancellationToken)
            ? await AnswerAsync(id, breaks, cancellationToken)
            : Problems.NotFound("break");
    }

    public static async Task<IResult> ResolveAsync(
        string id, HttpContext context, BreakStore breaks, BreakCorrections corrections, Booker booker, LedgerJournals journals, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Resolution>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (Check(request) is { } wrong)
        {
            return wrong;
        }

        if (!Id.TryParse<ReconciliationBreakId>(id, out var breakId))
        {
            return Problems.NotFound("break");
        }

        var actor = InternalHeaders.PersonOf(context);
        if (request.Correction is not { } bearer)
        {
            return await ClosedAsync(id, breakId, request, actor, breaks, journals, cancellationToken);
        }

        var verdict = await corrections.ResolveAsync(breakId, new(bearer, request.Reason!, request.Version!.Value, request.Merchant), actor, cancellationToken);
        return await BookedAsync(id, verdict, breaks, booker, cancellationToken);
    }

    public static async Task<IResult> ApproveAsync(string id, HttpContext context, BreakStore breaks, Booker booker, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Approval>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return Id.TryParse<ReconciliationBreakId>(id, out var breakId)
            ? await BookedAsync(id, await breaks.ApproveAsync(breakId, request.Version, InternalHeaders.PersonOf(context), InternalHeaders.ActorOf(context), cancellationToken), breaks, booker, cancellationToken)
            : Problems.NotFound("break");
    }

    // What is named has to be in the books: the ledger is asked before anything is written.
    private static async Task<IResult> ClosedAsync(
        string id, ReconciliationBreakId breakId, Resolution request, string actor, BreakStore breaks, LedgerJournals journals, CancellationToken cancellationToken)
    {
        LedgerJournal? journal = null;
        if (request.Journal is { } named)
        {
            if (await breaks.FindAsync(breakId, cancellationToken) is null)
            {
                return Problems.NotFound("break");
            }

            (journal, var away) = await journals.FindAsync(named, cancellationToken);
            if (away is not null)
            {
                return away;
            }

            if (journal is null)
            {
                return await AnswerAsync(id, ResolveVerdict.JournalUnknown, breaks, cancellationToken);
            }
        }

        return await AnswerAsync(id, await breaks.ResolveAsync(breakId, journal, request.Reason, actor, cancellationToken), breaks, cancellationToken);
    }

    // The ledger is asked at once; what it does not answer now the rounds ask for.
    private static async Task<IResult> BookedAsync(string id, ResolveVerdict verdict, BreakStore breaks, Booker booker, CancellationToken cancellationToken)
    {
        if (verdict == ResolveVerdict.Done)
        {
            await booker.BookDueAsync(id, cancellationToken);
        }

        return await AnswerAsync(id, verdict, breaks, cancellationToken);
    }

    private static Problem? Check(Resolution request)
    {
        if (request.Journal is not null && (request.Reason is not null || request.Correction is not null))
        {
            return Problems.InvalidValue("reason", "Either a journal or a reason is expected, not both.");
        }

        if (request.Journal is null && request.Reason is null)
        {
            return Problems.MissingField("reason");
        }

        if (request is { Correction: not null, Version: null })
        {
            return Problems.MissingField("version");
        }

        return request.Reason is { } reason ? CheckText("reason", reason, LongestText) : null;
    }

    private static async Task<IResult> AnswerAsync(string id, ResolveVerdict verdict, BreakStore breaks, CancellationToken cancellationToken) => verdict switch
    {
        ResolveVerdict.Done => await AnswerAsync(id, breaks, cancellationToken),
        ResolveVerdict.NotFound => Problems.NotFound("break"),
        ResolveVerdict.SamePerson => new Problem(StatusCodes.Status409Conflict, "second_person_needed", "A break of this amount is approved by another person than proposed its resolution.", "id"),
        ResolveVerdict.Changed => new Problem(StatusCodes.Status409Conflict, "break_changed", "The break, or what was proposed for it, is not what this version was.", "version"),
        ResolveVerdict.NothingToBook => new Problem(StatusCodes.Status409Conflict, "nothing_to_book", "The break leaves nothing on the books that a correction could move; close it with a journal or a reason.", "correction"),
        ResolveVerdict.MerchantMissing => Problems.MissingField("merchant"),
        ResolveVerdict.MerchantUnknown => Problems.InvalidValue("merchant", "A merchant with payments in this mode is expected."),
        ResolveVerdict.JournalUnknown => new Problem(StatusCodes.Status409Conflict, "journal_unknown", "The ledger has no such journal.", "journal"),
        ResolveVerdict.JournalElsewhere => new Problem(StatusCodes.Status409Conflict, "journal_of_other_books", "The journal is of the other mode, or moves nothing in the break's currency.", "journal"),
        _ => new Problem(StatusCodes.Status409Conflict, "break_state_conflict", "The break is resolved, or nothing was proposed for it.", "id"),
    };

    private static async Task<IResult> AnswerAsync(string id, BreakStore breaks, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<ReconciliationBreakId>(id, out var breakId) || await breaks.FindAsync(breakId, cancellationToken) is not { } found)
        {
            return Problems.NotFound("break");
        }

        var full = System.Text.Json.JsonSerializer.SerializeToNode(found, Json.Options)!.AsObject();
        full["notes"] = System.Text.Json.JsonSerializer.SerializeToNode(await breaks.NotesAsync(breakId, cancellationToken), Json.Options);
        full["steps"] = System.Text.Json.JsonSerializer.SerializeToNode(await breaks.StepsAsync(breakId, cancellationToken), Json.Options);
        return TypedResults.Json(full, Json.Options);
    }

    private static Problem? CheckText(string param, string text, int longest) =>
        text.Length == 0 || text.Length > longest ? Problems.InvalidValue(param, $"A text of 1 to {longest} characters is expected.") : null;
}
