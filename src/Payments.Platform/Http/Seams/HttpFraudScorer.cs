using System.Net.Http.Json;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Platform.Http.Seams;

/// <summary>Fraud scoring over HTTP: <c>POST /internal/v1/score</c>. The caller bounds it by its token.</summary>
internal sealed class HttpFraudScorer(IHttpClientFactory clients) : IFraudScorer
{
    public async Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken)
    {
        using var client = clients.CreateInternalClient("Fraud");
        using var response = await client.PostAsync(new Uri("internal/v1/score", UriKind.Relative), InternalJson.Content(request), cancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<FraudDecision>(Json.Options, cancellationToken)
            ?? throw new HttpRequestException("Fraud scoring answered without a decision.");
    }
}
