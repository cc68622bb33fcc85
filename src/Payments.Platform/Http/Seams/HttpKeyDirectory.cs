using System.Net;
using System.Net.Http.Json;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Platform.Http.Seams;

/// <summary>The key directory over HTTP: <c>GET /internal/v1/keys/{sha256}</c>.</summary>
internal sealed class HttpKeyDirectory(IHttpClientFactory clients) : IKeyDirectory
{
    public async Task<KeyIdentity?> FindAsync(string sha256Hex, CancellationToken cancellationToken)
    {
        using var client = clients.CreateInternalClient("Api");
        using var response = await client.GetAsync(new Uri("internal/v1/keys/" + sha256Hex, UriKind.Relative), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<KeyIdentity>(Json.Options, cancellationToken);
    }
}
