using System.Net;
using System.Net.Http.Json;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Platform.Http.Seams;

/// <summary>The vault over HTTP: <c>GET /internal/v1/merchants/{merchant}/{mode}/tokens/{token}</c>.</summary>
internal sealed class HttpVault(IHttpClientFactory clients) : IVault
{
    public async Task<CardToken?> FindAsync(MerchantId merchant, Mode mode, TokenId token, CancellationToken cancellationToken)
    {
        using var client = clients.CreateInternalClient("Vault");
        using var response = await client.GetAsync(
            new Uri($"internal/v1/merchants/{merchant}/{ModeNames.Of(mode)}/tokens/{token}", UriKind.Relative), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<CardToken>(Json.Options, cancellationToken);
    }

    public async Task<long> EraseAsync(MerchantId merchant, Mode mode, ContextErasure erasure, CancellationToken cancellationToken)
    {
        using var client = clients.CreateInternalClient("Vault");
        using var response = await client.PostAsJsonAsync(
            new Uri($"internal/v1/merchants/{merchant}/{ModeNames.Of(mode)}/erasures", UriKind.Relative), erasure, Json.Options, cancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<Erased>(Json.Options, cancellationToken))?.Tokens ?? throw new HttpRequestException("The vault answered without a number.");
    }

    private sealed record Erased(long Tokens);
}
