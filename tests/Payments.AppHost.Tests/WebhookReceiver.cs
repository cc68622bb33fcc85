using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Payments.AppHost.Tests;

/// <summary>A merchant's server on this machine that takes webhooks one by one and verifies them by Standard Webhooks.</summary>
internal sealed class WebhookReceiver : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly HttpListener listener = new();

    public WebhookReceiver()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/webhooks/");
        probe.Stop();
        listener.Prefixes.Add(Url.AbsoluteUri);
        listener.Start();
    }

    public Uri Url { get; }

    /// <summary>Takes webhooks until one tells <paramref name="type"/> of <paramref name="subject"/>; each must be signed with the secret.</summary>
    /// <param name="secret">The endpoint's, <c>whsec_…</c>.</param>
    public async Task<string> UntilAsync(string type, string subject, string secret, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var context = await listener.GetContextAsync().WaitAsync(patience.Token);
            using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
            var body = await reader.ReadToEndAsync(patience.Token);
            var headers = context.Request.Headers;
            var isSigned = IsSigned(headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"], body, secret);
            context.Response.StatusCode = (int)(isSigned ? HttpStatusCode.NoContent : HttpStatusCode.Unauthorized);
            context.Response.Close();
            Assert.True(isSigned, "A webhook came with a wrong signature.");
            if (body.Contains($"\"{type}\"", StringComparison.Ordinal) && body.Contains($"\"{subject}\"", StringComparison.Ordinal))
            {
                return body;
            }
        }
    }

    public void Dispose() => listener.Close();

    private static bool IsSigned(string? id, string? timestamp, string? signatures, string body, string secret)
    {
        const string prefix = "whsec_";
        var signature = HMACSHA256.HashData(Convert.FromBase64String(secret[prefix.Length..]), Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}"));
        return signatures is not null && signatures.Split(' ').Contains("v1," + Convert.ToBase64String(signature));
    }
}
