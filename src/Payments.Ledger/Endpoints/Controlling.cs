using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Payments.Ledger.Chain;
using Payments.Ledger.Closing;
using Payments.Ledger.Controls;
using Payments.Platform.Http;
using Payments.Platform.Outbox;

namespace Payments.Ledger.Endpoints;

/// <param name="Complete">Every event that was published is in the books, compared, and nothing is open.</param>
public sealed record CompletenessView(
    string Object, bool Complete, DateTimeOffset? LastRoundAt, IReadOnlyList<PartitionProgress> Partitions, IReadOnlyList<RecordedFinding> Findings);

/// <param name="BrokenClosings">Closed months that are not as they were signed.</param>
public sealed record ChainVerificationView(
    string Object, bool Intact, long Journals, IReadOnlyList<ChainBreak> Breaks, IReadOnlyList<string> ChangedAccounts, IReadOnlyList<string> BrokenClosings, AnchorReport? Anchors,
    IReadOnlyList<ChainHead> Heads);

/// <param name="At">When the heads were anchored.</param>
/// <param name="Previous">The hash of the file's line before.</param>
public sealed record ChainAnchorView(string Object, DateTimeOffset At, string Previous, IReadOnlyList<ChainHead> Heads);

/// <summary><c>GET /internal/v1/ops/completeness</c>, <c>GET …/chain/verify</c>, <c>POST …/chain/anchor</c>, <c>POST …/findings/{id}/close</c></summary>
internal static class Controlling
{
    private const int MostFindings = 100;
    private const int LongestReason = 2000;

    internal sealed record Closing(string Reason);

    public static async Task<Results<Ok<CompletenessView>, Problem>> CompletenessAsync(
        HttpContext context, Completeness completeness, Findings findings, LedgerControls controls, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        try
        {
            // Whoever asks wants to know of now: one page of each partition is compared before the answer.
            await controls.ExamineCompletenessAsync(pages: 1, cancellationToken);
            var open = await findings.OpenAsync(MostFindings, cancellationToken);
            var partitions = await completeness.ProgressAsync(cancellationToken);
            var complete = open.Count == 0 && partitions.All(p => p.Examined == p.Published && p.Applied == p.Published);
            return TypedResults.Ok(new CompletenessView("completeness", complete, controls.LastRoundAt, partitions, open));
        }
        catch (OutboxUnavailableException)
        {
            return Problems.ServiceUnavailable("The publisher of the payment events");
        }
    }

    public static async Task<Results<Ok<ChainVerificationView>, Problem>> VerifyAsync(
        HttpContext context, ChainVerification chain, Closings closings, Anchors anchors, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        var report = await chain.VerifyAsync(cancellationToken);
        var closed = await closings.VerifyAsync(cancellationToken);
        var changed = await chain.ChangedAccountsAsync(cancellationToken);
        var anchored = anchors.Configured ? await anchors.VerifyAsync(cancellationToken) : null;
        var intact = report.Intact && changed.Count == 0 && closed.Count == 0 && anchored is null or { Breaks: [] };
        return TypedResults.Ok(new ChainVerificationView(
            "chain_verification", intact, report.Journals, report.Breaks, changed, [.. closed.Select(f => $"{f.Subject}: {f.Detail}")], anchored, report.Heads));
    }

    // Closing again changes nothing: it needs no idempotency key.
    public static async Task<Results<NoContent, Problem>> CloseFindingAsync(string id, HttpContext context, Findings findings, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Closing>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        var closing = long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? await findings.CloseAsync(number, request.Reason, cancellationToken)
            : FindingClosing.NotFound;
        return closing switch
        {
            FindingClosing.Closed => TypedResults.NoContent(),
            FindingClosing.ResolvesItself => new Problem(StatusCodes.Status409Conflict, "finding_resolves_itself", "Its control resolves this finding once it sees it no more; only a posting conflict is closed by a person.", "id"),
            _ => Problems.NotFound("finding"),
        };
    }

    // Repeating it adds another line that says the same: it needs no idempotency key.
    public static async Task<Results<Ok<ChainAnchorView>, Problem>> AnchorAsync(Anchors anchors, CancellationToken cancellationToken)
    {
        if (!anchors.Configured)
        {
            return new Problem(StatusCodes.Status409Conflict, "anchor_file_missing", "No file for anchors is configured (Payments:Ledger:AnchorFile).", "path");
        }

        var anchor = await anchors.AppendAsync(cancellationToken);
        return TypedResults.Ok(new ChainAnchorView("chain_anchor", anchor.At, anchor.Previous, anchor.Heads));
    }
}
