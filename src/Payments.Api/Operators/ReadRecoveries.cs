using System.Text.Json;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Operators;

/// <summary><c>GET /ops/v1/recoveries</c>: what was put right, newest first.</summary>
internal static class ReadRecoveries
{
    public sealed record View(
        RecoveryId Id, string Object, string Kind, string Subject, string Actor, string Reason, MerchantId? MerchantId, Mode? Mode, PaymentId? PaymentId, AttemptId? AttemptId,
        JsonElement Before, JsonElement After, DateTimeOffset At);

    public static async Task<IResult> ListAsync(HttpContext context, Recoveries recoveries, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (payment, kind, after, limit) = (query.Id<PaymentId>("payment"), query.Word("kind", RecoveryKinds.All), query.CursorId(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await recoveries.ListAsync(payment, kind, after, limit + 1, cancellationToken);
        return TypedResults.Json(Page.Of(found.Select(Of).ToList(), limit, v => Cursor.Of(v.Id.Value)), Json.Options);
    }

    private static View Of(RecordedRecovery recorded)
    {
        var (recovered, at) = recorded;
        return new View(
            recovered.Id, "recovery", recovered.Kind, recovered.Subject, recovered.Actor, recovered.Reason, recovered.MerchantId, recovered.Mode, recovered.PaymentId,
            recovered.AttemptId, recovered.Before, recovered.After, at);
    }
}
