using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Disputes;

/// <summary>Disputes as merchants read and answer them.</summary>
public static class DisputeEndpoints
{
    public static void AddDisputes(this IServiceCollection services)
    {
        services.AddSingleton<DisputeStore>();
        services.AddSingleton<DisputeLearning>();
        services.AddSingleton<DisputeAnswers>();
        services.AddSingleton<AnswerDispute>();
        services.AddHostedService<DisputeWorker>();
    }

    public static void MapDisputes(this IEndpointRouteBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var group = app.MapGroup("/v1").RequireSecretKey().WithTags("Disputes");
        group.MapGet("/disputes", ManyAsync).WithName("ListDisputes").Produces<Page<DisputeView>>();
        group.MapGet("/disputes/{id}", OneAsync).WithName("GetDispute").Produces<DisputeView>();
        group.MapPost("/disputes/{id}/evidence", LayDownEvidence.TextsAsync).WithName("LayDownEvidence").Accepts<LayDownEvidence.Request>("application/json").Produces<DisputeView>();
        group.MapPut("/disputes/{id}/files/{evidence_kind}", (HttpContext context, string id, [FromRoute(Name = "evidence_kind")] string kind, DisputeStore disputes, PaymentStore payments, CancellationToken cancellationToken) =>
            LayDownEvidence.FileAsync(context, id, kind, disputes, payments, cancellationToken)).WithName("UploadEvidence").LimitBody(LayDownEvidence.LargestFile).Produces<DisputeView>();
        group.MapPost("/disputes/{id}/submit", (HttpContext context, string id, AnswerDispute answer, CancellationToken cancellationToken) =>
            answer.HandleAsync(context, id, DisputeAnswer.Evidence, cancellationToken)).WithName("SubmitEvidence").Accepts<AnswerDispute.Request>(isOptional: true, "application/json").Produces<DisputeView>().Produces<DisputeView>(202);
        group.MapPost("/disputes/{id}/accept", (HttpContext context, string id, AnswerDispute answer, CancellationToken cancellationToken) =>
            answer.HandleAsync(context, id, DisputeAnswer.Acceptance, cancellationToken)).WithName("AcceptDispute").Accepts<AnswerDispute.Request>(isOptional: true, "application/json").Produces<DisputeView>().Produces<DisputeView>(202);
    }

    public static async Task<IResult> OneAsync(HttpContext context, string id, DisputeStore disputes, PaymentStore payments, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(disputes);
        ArgumentNullException.ThrowIfNull(payments);
        return new RequestQuery(context).Problem is { } problem ? problem
            : await FindAsync(context.Caller(), id, disputes, payments, cancellationToken) is var (key, payment, dispute, _) ? TypedResults.Json(await DetailedAsync(key, payment, dispute, disputes, cancellationToken), Json.Options)
            : Problems.NotFound("dispute");
    }

    public static async Task<IResult> ManyAsync(HttpContext context, DisputeStore disputes, PaymentStore payments, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(disputes);
        ArgumentNullException.ThrowIfNull(payments);
        var query = new RequestQuery(context);
        var (status, of, limit, after) = (query.Choice<DisputeStatus>("status"), query.Id<PaymentId>("payment"), query.Limit(), query.CursorId());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var caller = context.Caller();
        var found = await disputes.ListAsync(caller.MerchantId, caller.Mode, status, of, limit + 1, after, cancellationToken);
        var states = (await payments.ReadAsync([.. found.Select(f => f.Payment).Distinct()], cancellationToken)).ToDictionary(p => p.Id);
        var page = Page.Of(found, limit, f => Cursor.Of(f.Id.Value));
        return TypedResults.Json(
            new Page<DisputeView>([.. page.Data.Select(f => DisputeView.Of(states[f.Payment.Id], states[f.Payment.Id].Disputes.First(d => d.Id == f.Id)))], page.HasMore, page.NextCursor), Json.Options);
    }

    internal static async Task<(DisputeKey Key, PaymentState Payment, Dispute Dispute, bool IsLate)?> FindAsync(
        Caller caller, string id, DisputeStore disputes, PaymentStore payments, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<DisputeId>(id, out var disputeId))
        {
            return null;
        }

        var key = new DisputeKey(caller.MerchantId, caller.Mode, disputeId);
        return await disputes.LocateAsync(key, cancellationToken) is var (of, isLate) && await payments.FindAsync(of, cancellationToken) is { } payment
            ? (key, payment, payment.Disputes.First(d => d.Id == disputeId), isLate)
            : null;
    }

    /// <summary>A dispute with what was laid down for it.</summary>
    internal static async Task<JsonObject> DetailedAsync(DisputeKey key, PaymentState payment, Dispute dispute, DisputeStore disputes, CancellationToken cancellationToken, NpgsqlTransaction? within = null)
    {
        var json = JsonSerializer.SerializeToNode(DisputeView.Of(payment, dispute), Json.Options)!.AsObject();
        json["evidence"] = JsonSerializer.SerializeToNode(await disputes.LaidAsync(key, within, cancellationToken), Json.Options);
        return json;
    }
}
