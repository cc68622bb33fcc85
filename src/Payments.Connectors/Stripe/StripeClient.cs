using System.Text;
using System.Text.Json;
using Payments.Connectors.Wire;

namespace Payments.Connectors.Stripe;

/// <summary>Requests to Stripe with its headers.</summary>
internal sealed class StripeClient(StripeAccount account, ProviderWire wire)
{
    private const string Version = "2025-03-31.basil";

    public Task<WireAnswer> PostAsync(string path, StripeForm form, string key, CancellationToken cancellationToken) => wire.SendAsync(
        new WireRequest(HttpMethod.Post, path)
        {
            Content = form.ToBytes(),
            ContentType = "application/x-www-form-urlencoded",
            Headers = [.. Standing(), ("Idempotency-Key", key)],
        },
        cancellationToken);

    /// <summary>Lays a file down as evidence. Its form has the same bytes in every repeat.</summary>
    public Task<WireAnswer> UploadAsync(DisputeEvidence file, string key, CancellationToken cancellationToken)
    {
        var boundary = "payments-" + key;
        var name = file.Kind + (file.Type == DisputeEvidence.Pdf ? ".pdf" : ".jpg");
        var head = $"--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\ndispute_evidence\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {file.Type}\r\n\r\n";
        return wire.SendAsync(
            new WireRequest(HttpMethod.Post, new Uri(account.FilesUrl, "v1/files").AbsoluteUri)
            {
                Content = (byte[])[.. Encoding.ASCII.GetBytes(head), .. file.Content.Span, .. Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n")],
                ContentType = "multipart/form-data; boundary=" + boundary,
                Headers = [.. Standing(), ("Idempotency-Key", key)],
            },
            cancellationToken);
    }

    public Task<WireAnswer> GetAsync(string path, StripeForm query, CancellationToken cancellationToken) =>
        wire.SendAsync(new WireRequest(HttpMethod.Get, $"{path}?{query}") { Headers = Standing() }, cancellationToken);

    /// <summary>
    /// Walks a list from its newest item to its end, or to the first item that is wanted. The answer that broke the walk, if one did.
    /// </summary>
    public async Task<(JsonElement? Found, WireAnswer? Broken)> FindAsync(
        string path, Func<StripeForm> filter, Func<JsonElement, bool> wanted, CancellationToken cancellationToken)
    {
        string? after = null;
        while (true)
        {
            var answer = await GetAsync(path, filter().Add("limit", 100).Add("starting_after", after), cancellationToken);
            if (!answer.IsSuccess || answer.Body?.Items("data") is not { } data || answer.Body?.Flag("has_more") is not { } more)
            {
                return (null, answer);
            }

            string? last = null;
            foreach (var item in data)
            {
                if (wanted(item))
                {
                    return (item, null);
                }

                last = item.Text("id");
            }

            if (!more)
            {
                return (null, null);
            }

            if (last is null || last == after)
            {
                return (null, answer);
            }

            after = last;
        }
    }

    private (string, string)[] Standing() => [("Authorization", "Bearer " + account.ApiKey), ("Stripe-Version", Version)];
}
