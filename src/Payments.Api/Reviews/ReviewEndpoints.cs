using System.Text.Json;
using System.Text.Json.Nodes;
using Payments.Api.Flow;
using Payments.Api.Operators;
using Payments.Api.Privacy;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Reviews;

/// <summary><c>/ops/v1/reviews</c>: the queue of payments that wait for a person.</summary>
internal static class ReviewEndpoints
{
    private const int LongestText = 2000;

    /// <summary>An empty object, or no body at all.</summary>
    public sealed record NoMembers;

    public sealed record Deciding(string Reason);

    public sealed record NewNote(string Note);

    /// <summary>Everything that a change needs.</summary>
    public sealed record Services(
        ReviewStore Queue, ReviewDecisions Decisions, PaymentStore Store, Erasures Personal, SimilarPayments Similar, Recoveries Recoveries, IdempotentRequests Requests, IdSource Ids,
        TimeProvider Time);

    public sealed record View(
        ReviewId Id, string Object, PaymentId PaymentId, MerchantId MerchantId, Mode Mode, ReviewStatus Status, int? Score, IReadOnlyList<string> Factors, long Amount, string Currency,
        PaymentMethodView PaymentMethod, DateTimeOffset OpenedAt, DateTimeOffset? DueAt, string? ClaimedBy, DateTimeOffset? ClaimedUntil, bool? Automatic, string? DecidedBy,
        string? Reason, DateTimeOffset? DecidedAt);

    public static async Task<IResult> ListAsync(HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var filter = new ReviewFilter(query.Choice<ReviewStatus>("status"), query.Id<MerchantId>("merchant_id"), query.Choice<Mode>("mode"), query.Flag("claimed"));
        var (after, limit) = (query.CursorId(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var page = Page.Of(await services.Queue.ListAsync(filter, after, limit + 1, cancellationToken), limit, r => Cursor.Of(r.Id.Value));
        var payments = (await services.Store.ReadAsync([.. page.Data.Select(r => r.Payment)], cancellationToken)).ToDictionary(p => p.Id);
        return TypedResults.Json(new Page<View>([.. page.Data.Select(r => Of(r, payments[r.Payment.Id]))], page.HasMore, page.NextCursor), Json.Options);
    }

    /// <summary>With all that helps to decide: the payment, who paid and from where, what is like it, and what was written about it.</summary>
    public static async Task<IResult> OneAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        if (!Id.TryParse<ReviewId>(id, out var reviewId) || await services.Queue.FindAsync(reviewId, cancellationToken) is not { } review)
        {
            return Problems.NotFound("review");
        }

        var payment = await services.Store.FindAsync(review.Payment, cancellationToken) ?? throw new InvariantException("a review belongs to a payment");
        var told = await services.Personal.FindAsync(payment.MerchantId, payment.Mode, payment.Id, cancellationToken);
        var json = JsonSerializer.SerializeToNode(Of(review, payment), Json.Options)!.AsObject();
        json["payment"] = ReadPayments.Detailed(payment, await services.Recoveries.ListAsync(payment.Id, null, null, ReadPayments.MostRecoveries, cancellationToken));
        json["card_fingerprint"] = payment.Details.CardFingerprint;
        json["customer_reference"] = told?.CustomerReference;
        json["risk_context"] = JsonSerializer.SerializeToNode(told?.Context, Json.Options);
        json["similar_payments"] = JsonSerializer.SerializeToNode(await services.Similar.FindAsync(payment, cancellationToken), Json.Options);
        json["notes"] = JsonSerializer.SerializeToNode(await services.Queue.NotesAsync(reviewId, cancellationToken), Json.Options);
        return TypedResults.Json(json, (JsonSerializerOptions?)Json.Options);
    }

    public static async Task<IResult> ClaimAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken) =>
        (await RequestBody.ReadOptionalAsync<NoMembers>(context, cancellationToken)).Problem
        ?? await ChangeAsync(id, context, services, "review.claim", async (work, review, cancellation) =>
        {
            if (RefuseOf(review, context) is { } refused)
            {
                return refused;
            }

            await ReviewStore.ClaimAsync(await work.BeginAsync(cancellation), review.Id, context.Operator(), cancellation);
            return null;
        }, cancellationToken);

    /// <summary>Of one's own claim; releasing what nobody has changes nothing.</summary>
    public static async Task<IResult> ReleaseAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken) =>
        (await RequestBody.ReadOptionalAsync<NoMembers>(context, cancellationToken)).Problem
        ?? await ChangeAsync(id, context, services, "review.release", async (work, review, cancellation) =>
        {
            if (RefuseOf(review, context) is { } refused)
            {
                return refused;
            }

            await ReviewStore.ReleaseAsync(await work.BeginAsync(cancellation), review.Id, cancellation);
            return null;
        }, cancellationToken);

    public static async Task<IResult> NoteAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<NewNote>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return CheckText("note", request.Note) ?? await ChangeAsync(id, context, services, "review.note", async (work, review, cancellation) =>
        {
            var note = new ReviewNote(services.Ids.New<ReviewNoteId>(), services.Time.GetUtcNow(), context.Operator().Name, request.Note);
            await ReviewStore.NoteAsync(await work.BeginAsync(cancellation), review, note, cancellation);
            return null;
        }, cancellationToken);
    }

    public static Task<IResult> ApproveAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken) =>
        DecideAsync(id, context, services, ReviewOutcome.Approved, "review.approve", cancellationToken);

    public static Task<IResult> RejectAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken) =>
        DecideAsync(id, context, services, ReviewOutcome.Rejected, "review.reject", cancellationToken);

    /// <summary>The hold is released, and the merchant is told to have its customer pay again, with a challenge.</summary>
    public static Task<IResult> RequestChallengeAsync(string id, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken) =>
        DecideAsync(id, context, services, ReviewOutcome.ChallengeRequested, "review.request_3ds", cancellationToken);

    private static async Task<IResult> DecideAsync(
        string id, HttpContext context, Services services, ReviewOutcome outcome, string action, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Deciding>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (CheckText("reason", request.Reason) is { } wrong)
        {
            return wrong;
        }

        if (!Id.TryParse<ReviewId>(id, out var reviewId))
        {
            return Problems.NotFound("review");
        }

        return await services.Requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            if (await services.Queue.FindAsync(reviewId, cancellation) is not { } review)
            {
                return Problems.NotFound("review");
            }

            // Whoever repeats it after a crash finds it done by itself.
            var isDone = review.Outcome == outcome && review is { Automatic: false } && review.ClaimedBy == context.Operator().KeyId;
            if (!isDone)
            {
                if (RefuseOf(review, context) is { } refused)
                {
                    return refused;
                }

                var decided = await services.Decisions.DecideAsync(review.Payment, outcome, context.Operator().Name, request.Reason, context.Operator().KeyId);
                if (decided.Refusal is { } refusal)
                {
                    return new Problem(StatusCodes.Status409Conflict, refusal.Code, refusal.Detail, "id");
                }
            }

            var transaction = await work.BeginAsync(cancellation);
            await Audit.AppendAsync(transaction, context, action, reviewId.ToString(), new { PaymentId = review.Payment.Id, request.Reason }, cancellation);
            return IdempotentResponse.Ok(await ViewAsync(services, reviewId, cancellation));
        }, cancellationToken);
    }

    /// <summary>One change of an open review, with its entry in the audit.</summary>
    private static async Task<IResult> ChangeAsync(
        string id, HttpContext context, Services services, string action, Func<IdempotentWork, ReviewRow, CancellationToken, Task<Problem?>> change, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<ReviewId>(id, out var reviewId))
        {
            return Problems.NotFound("review");
        }

        return await services.Requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            if (await ReviewStore.LockAsync(transaction, reviewId, cancellation) is not { } review)
            {
                return Problems.NotFound("review");
            }

            if (await change(work, review, cancellation) is { } refused)
            {
                return refused;
            }

            await Audit.AppendAsync(transaction, context, action, reviewId.ToString(), new { PaymentId = review.Payment.Id }, cancellation);
            var changed = await ReviewStore.LockAsync(transaction, reviewId, cancellation) ?? throw new InvariantException("a review never disappears");
            return IdempotentResponse.Ok(Of(changed, await PaymentAsync(services, changed, cancellation)));
        }, cancellationToken);
    }

    private static Problem? RefuseOf(ReviewRow review, HttpContext context) =>
        review.Status != ReviewStatus.Open
            ? new Problem(StatusCodes.Status409Conflict, "review_decided", review.Status == ReviewStatus.Lapsed ? "The hold ended before anybody decided." : "The review was decided already.", "id")
            : review.IsClaimed && review.ClaimedBy != context.Operator().KeyId
                ? new Problem(StatusCodes.Status409Conflict, "review_claimed", "Another operator has this review at the moment.", "id")
                : null;

    private static async Task<View> ViewAsync(Services services, ReviewId id, CancellationToken cancellationToken)
    {
        var review = await services.Queue.FindAsync(id, cancellationToken) ?? throw new InvariantException("a review never disappears");
        return Of(review, await PaymentAsync(services, review, cancellationToken));
    }

    private static async Task<PaymentState> PaymentAsync(Services services, ReviewRow review, CancellationToken cancellationToken) =>
        await services.Store.FindAsync(review.Payment, cancellationToken) ?? throw new InvariantException("a review belongs to a payment");

    private static View Of(ReviewRow review, PaymentState payment) => new(
        review.Id, "review", review.Payment.Id, review.Payment.MerchantId, review.Payment.Mode, review.Status, review.Score, payment.Risk?.Factors ?? [], payment.Amount.Minor,
        payment.Amount.Currency.Code, payment.Details.PaymentMethod, review.OpenedAt, review.Status == ReviewStatus.Open ? review.DueAt : null, review.IsClaimed ? review.ClaimedName : null,
        review.IsClaimed ? review.ClaimedUntil : null, review.Automatic, review.DecidedBy, review.Reason, review.DecidedAt);

    private static Problem? CheckText(string name, string text) =>
        text.Length is 0 or > LongestText ? Problems.InvalidValue(name, $"A text of 1 to {LongestText} characters is expected.") : null;
}
