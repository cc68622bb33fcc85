using System.Net.Http.Headers;
using System.Text.Json;

namespace Payments.Connectors.Wire;

internal enum WireResult
{
    /// <summary>A complete HTTP answer.</summary>
    Answered,

    /// <summary>Certainly nothing that the provider could execute left this machine.</summary>
    NotSent,

    /// <summary>The request left, at least in part, and no complete answer came.</summary>
    Unanswered,
}

/// <param name="Body">The answer's JSON object; null where it is not one.</param>
/// <param name="Detail">For operators: status, or what went wrong; never a body.</param>
internal sealed record WireAnswer(WireResult Result, int Status, JsonElement? Body, string Detail)
{
    public bool IsSuccess => Result == WireResult.Answered && Status is >= 200 and < 300;
}

internal sealed record WireRequest(HttpMethod Method, string Path)
{
    /// <summary>Absent: no content at all, as for GET and DELETE.</summary>
    public ReadOnlyMemory<byte>? Content { get; init; }

    public string ContentType { get; init; } = "application/json";

    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];
}

/// <summary>
/// HTTP to one provider: no proxy, no redirect, no cookie, bounded answers, and the exact knowledge of whether a request was sent.
/// The runtime repeats a request only where a pooled connection turned out closed before the content was begun, so never a charge
/// of which the provider has seen more than headers; and the repeated one would carry the same idempotency key.
/// </summary>
internal sealed class ProviderWire(HttpClient http)
{
    private const int LargestAnswer = 8 * 1024 * 1024;

    public static ProviderWire To(Uri baseUrl, ResilienceOptions options)
    {
#pragma warning disable CA2000 // Lives as long as the process, as its connector does.
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromMilliseconds(options.ConnectMilliseconds),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(50),
            MaxConnectionsPerServer = 1_024,
            MaxResponseHeadersLength = 32,
            MaxResponseDrainSize = 64 * 1024,
        };
        return new ProviderWire(new HttpClient(handler)
        {
            BaseAddress = baseUrl,
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LargestAnswer,
        });
#pragma warning restore CA2000
    }

    /// <summary>Never throws for what the network, the provider or the caller's patience does.</summary>
    public async Task<WireAnswer> SendAsync(WireRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(request.Method, request.Path);
        var content = request.Content is { } bytes ? new WatchedContent(bytes, request.ContentType) : null;
        message.Content = content;
        foreach (var (name, value) in request.Headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseContentRead, cancellationToken);
            var status = (int)response.StatusCode;
            return new WireAnswer(WireResult.Answered, status, await ReadAsync(response, cancellationToken), $"http {status}");
        }
        catch (HttpRequestException e)
        {
            return Unsettled(content, $"{e.HttpRequestError}");
        }
        catch (OperationCanceledException e)
        {
            return Unsettled(content, e.InnerException is TimeoutException ? "connect timeout" : "time limit");
        }
        catch (IOException)
        {
            return Unsettled(content, "connection lost");
        }
    }

    /// <summary>A request with a declared length whose content was never begun cannot be executed by anybody.</summary>
    private static WireAnswer Unsettled(WatchedContent? content, string why) => content is { Begun: true } or null
        ? new WireAnswer(WireResult.Unanswered, 0, null, why)
        : new WireAnswer(WireResult.NotSent, 0, null, $"not sent: {why}");

    private static async Task<JsonElement?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancellationToken);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Content that knows whether its sending has begun. An empty one counts as begun with the request.</summary>
    private sealed class WatchedContent : HttpContent
    {
        private readonly ReadOnlyMemory<byte> bytes;
        private volatile bool begun;

        public WatchedContent(ReadOnlyMemory<byte> bytes, string type)
        {
            this.bytes = bytes;
            Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        }

        public bool Begun => begun;

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken)
        {
            begun = true;
            await stream.WriteAsync(bytes, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
