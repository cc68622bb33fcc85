using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Payments.Webhooks.Egress;

namespace Payments.Webhooks.Deliveries;

/// <summary>Sends one event to one URL by Standard Webhooks and tells what came of it. Never throws for what a receiver does.</summary>
public sealed class WebhookSender(EgressGuard guard, TimeProvider time, TimeSpan timeout) : IDisposable
{
    private readonly HttpMessageInvoker http = new(guard.NewHandler());

    /// <param name="secrets">Each signs; more than one while a rotation is under way.</param>
    public async Task<AttemptResult> SendAsync(Uri url, string id, byte[] body, IEnumerable<string> secrets, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentNullException.ThrowIfNull(body);
        var started = time.GetTimestamp();
        using var request = NewRequest(url, id, body, secrets);
        using var limit = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await http.SendAsync(request, either.Token);
            var excerpt = await ReadBeginningAsync(response, either.Token, cancellationToken);
            return Judge(response, excerpt, time.GetElapsedTime(started));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new AttemptResult(Verdict.Failed, time.GetElapsedTime(started), Error: AttemptErrors.Timeout);
        }
        catch (HttpRequestException e)
        {
            return new AttemptResult(Verdict.Failed, time.GetElapsedTime(started), Error: Name(e));
        }
    }

    public void Dispose() => http.Dispose();

    private HttpRequestMessage NewRequest(Uri url, string id, byte[] body, IEnumerable<string> secrets)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Payments-Webhooks", "1"));
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", Signature.Header(id, now, body, secrets));
        return request;
    }

    /// <summary>The answer's status decides; its body is only for the log, so a body that stalls or breaks off changes nothing.</summary>
    private static async Task<string> ReadBeginningAsync(HttpResponseMessage response, CancellationToken limit, CancellationToken stopping)
    {
        var buffer = new byte[ResponseExcerpt.MaxBytes];
        var length = 0;
        try
        {
            await using var content = await response.Content.ReadAsStreamAsync(limit);
            int read;
            while (length < buffer.Length && (read = await content.ReadAsync(buffer.AsMemory(length), limit)) > 0)
            {
                length += read;
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException || (e is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            Activity.Current?.AddEvent(new ActivityEvent("answer broke off"));
        }

        return ResponseExcerpt.Of(buffer.AsSpan(0, length));
    }

    private AttemptResult Judge(HttpResponseMessage response, string excerpt, TimeSpan duration)
    {
        var status = (int)response.StatusCode;
        return status switch
        {
            >= 200 and <= 299 => new AttemptResult(Verdict.Delivered, duration, status, Response: excerpt),
            >= 300 and <= 399 => new AttemptResult(Verdict.Failed, duration, status, AttemptErrors.RedirectNotFollowed, excerpt),
            (int)HttpStatusCode.Gone => new AttemptResult(Verdict.Gone, duration, status, AttemptErrors.NotAccepted, excerpt),
            _ => new AttemptResult(Verdict.Failed, duration, status, AttemptErrors.NotAccepted, excerpt, Wish(response.Headers.RetryAfter)),
        };
    }

    private TimeSpan? Wish(RetryConditionHeaderValue? header) =>
        header?.Delta ?? (header?.Date is { } date && date > time.GetUtcNow() ? date - time.GetUtcNow() : null);

    private static string Name(HttpRequestException e) => e switch
    {
        { InnerException: EgressRefusedException } => AttemptErrors.AddressNotAllowed,
        { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery } } => AttemptErrors.NameNotResolved,
        { HttpRequestError: HttpRequestError.SecureConnectionError } => AttemptErrors.TlsFailed,
        { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError or HttpRequestError.ConfigurationLimitExceeded } => AttemptErrors.InvalidAnswer,
        _ => AttemptErrors.ConnectionFailed,
    };
}
