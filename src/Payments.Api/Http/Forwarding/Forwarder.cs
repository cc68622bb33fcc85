using System.Net;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Yarp.ReverseProxy.Forwarder;

namespace Payments.Api.Http.Forwarding;

/// <summary>Passes an authenticated request on to the service that owns the data, with the internal key instead of the caller's.</summary>
internal sealed class Forwarder(IHttpForwarder forwarder, IConfiguration configuration, ILogger<Forwarder> logger) : IDisposable
{
    private static readonly ForwarderRequestConfig Limits = new() { ActivityTimeout = TimeSpan.FromSeconds(15) };

    private readonly HttpMessageInvoker client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    });

    /// <param name="path">The owner's path: <c>/internal/v1/…</c>.</param>
    /// <returns>Null when the owner answered, which then is the response.</returns>
    public async Task<Problem?> SendAsync(HttpContext context, Owner owner, PathString path, QueryString query)
    {
        if (HttpMethods.IsPost(context.Request.Method) && IdempotencyKey.Read(context).Problem is { } missing)
        {
            return missing;
        }

        // Read here, so that what is too large never reaches the owner.
        if ((await RequestBytes.ReadAsync(context, context.RequestAborted)).Problem is { } problem)
        {
            return problem;
        }

        var service = owner.ToString();
        var address = configuration["Payments:Urls:" + service] ?? throw new InvalidOperationException($"'Payments:Urls:{service}' must be set to the base URL of that service.");
        var error = await forwarder.SendAsync(context, address, client, Limits, new Envelope(address, path, query, configuration["Payments:InternalKey"] ?? ""));
        if (error != ForwarderError.None && !context.RequestAborted.IsCancellationRequested)
        {
            Log.ForwardingFailed(logger, service, error, context.Features.Get<IForwarderErrorFeature>()?.Exception);
            return context.Response.HasStarted ? null : Problems.ServiceUnavailable("The service behind this path");
        }

        if (context.Response.StatusCode == StatusCodes.Status401Unauthorized)
        {
            Log.InternalKeyRefused(logger, service);
            return Problems.ServiceUnavailable("The service behind this path");
        }

        return null;
    }

    public void Dispose() => client.Dispose();

    /// <summary>Lets through what belongs to the request or the answer itself, and nothing else.</summary>
    private sealed class Envelope(string address, PathString path, QueryString query, string internalKey) : HttpTransformer
    {
        private static readonly string[] RequestHeaders = ["Idempotency-Key", "Accept"];
        private static readonly string[] ContentHeaders = ["Content-Type", "Content-Length", "Content-Encoding"];
        private static readonly string[] ResponseHeaders = ["Idempotency-Replayed", "Retry-After", "Allow"];

        public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            proxyRequest.RequestUri = RequestUtilities.MakeDestinationAddress(address, path, query);
            proxyRequest.Headers.TryAddWithoutValidation("Authorization", "Bearer " + internalKey);
            proxyRequest.Headers.TryAddWithoutValidation("Request-Id", httpContext.TraceIdentifier);
            AddActor(httpContext, proxyRequest);
            foreach (var name in RequestHeaders)
            {
                proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)httpContext.Request.Headers[name]);
            }

            foreach (var name in proxyRequest.Content is null ? [] : ContentHeaders)
            {
                proxyRequest.Content!.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)httpContext.Request.Headers[name]);
            }

            return ValueTask.CompletedTask;
        }

        private void AddActor(HttpContext httpContext, HttpRequestMessage proxyRequest)
        {
            if (path.StartsWithSegments("/internal/v1/merchants"))
            {
                proxyRequest.Headers.TryAddWithoutValidation(InternalHeaders.Actor, httpContext.Caller().KeyId.ToString());
                return;
            }

            proxyRequest.Headers.TryAddWithoutValidation(InternalHeaders.Actor, httpContext.Operator().KeyId.ToString());
            proxyRequest.Headers.TryAddWithoutValidation(InternalHeaders.Person, httpContext.Operator().Person);
        }

        public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            if (proxyResponse is null || proxyResponse.StatusCode == HttpStatusCode.Unauthorized)
            {
                return ValueTask.FromResult(false);
            }

            var response = httpContext.Response;
            response.ContentType = proxyResponse.Content.Headers.ContentType?.ToString();
            response.ContentLength = proxyResponse.Content.Headers.ContentLength;
            foreach (var name in ResponseHeaders)
            {
                if (proxyResponse.Headers.TryGetValues(name, out var values) || proxyResponse.Content.Headers.TryGetValues(name, out values))
                {
                    response.Headers[name] = values.ToArray();
                }
            }

            return ValueTask.FromResult(true);
        }
    }
}
