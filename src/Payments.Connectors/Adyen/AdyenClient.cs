using System.Text.Json.Nodes;
using Payments.Connectors.Wire;

namespace Payments.Connectors.Adyen;

/// <summary>Requests to Adyen's Checkout API with its headers.</summary>
internal sealed class AdyenClient(AdyenAccount account, ProviderWire wire)
{
    public string MerchantAccount => account.MerchantAccount;

    public Task<WireAnswer> PostAsync(string path, JsonObject body, string? key, CancellationToken cancellationToken) => wire.SendAsync(
        new WireRequest(HttpMethod.Post, path)
        {
            Content = System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()),
            Headers = key is null ? [("X-API-Key", account.ApiKey)] : [("X-API-Key", account.ApiKey), ("Idempotency-Key", key)],
        },
        cancellationToken);

    /// <summary>A call of the Disputes API, which has a host of its own.</summary>
    public Task<WireAnswer> DisputeAsync(string what, JsonObject body, string? key, CancellationToken cancellationToken) =>
        PostAsync(new Uri(account.DisputesUrl, what).AbsoluteUri, body, key, cancellationToken);

    public Task<WireAnswer> DeleteAsync(string path, CancellationToken cancellationToken) =>
        wire.SendAsync(new WireRequest(HttpMethod.Delete, path) { Headers = [("X-API-Key", account.ApiKey)] }, cancellationToken);
}
