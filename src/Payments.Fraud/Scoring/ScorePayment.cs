using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;

namespace Payments.Fraud.Scoring;

/// <summary><c>POST /internal/v1/score</c>: the payment path's question, idempotent by the payment's id.</summary>
internal static class ScorePayment
{
    public static async Task<IResult> HandleAsync(HttpContext context, IFraudScorer scorer, CancellationToken cancellationToken)
    {
        FraudRequest? request;
        try
        {
            // Not strict: a newer Api may send more than this version knows.
            request = await context.Request.ReadFromJsonAsync<FraudRequest>(Json.Options, cancellationToken);
        }
        catch (JsonException)
        {
            return Problems.InvalidJson;
        }

        return request is null ? Problems.BodyMissing : InternalJson.Answer(await scorer.ScoreAsync(request, cancellationToken));
    }
}
