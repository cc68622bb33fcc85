using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Payments.Platform;

namespace Payments.AllInOne.Demo;

/// <summary>
/// A merchant's server as small as it can be: takes webhooks, verifies them by Standard Webhooks, and remembers the last ones.
/// What it has seen is at <c>GET /received</c>.
/// </summary>
internal sealed class DemoReceiver : IAsyncDisposable
{
    public const string Path = "/webhooks";
    private const int Remembered = 200;
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);
    private readonly ConcurrentQueue<ReceivedWebhook> received = new();
    private readonly WebApplication app;
    private volatile string? secret;

    private DemoReceiver(Addresses addresses, ILoggerProvider log)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.WebHost.UseUrls($"http://127.0.0.1:{addresses.Port(Ports.DemoReceiver)}");
        builder.Services.AddSingleton<IHostLifetime, Service.OwnedLifetime>();
        app = builder.Build();
        app.MapPost(Path, ReceiveAsync);
        app.MapGet("/received", () => received);
    }

    /// <summary>The endpoint's signing secret (<c>whsec_…</c>); nothing is accepted before it is known.</summary>
    public string? Secret
    {
        get => secret;
        set => secret = value;
    }

    public static async Task<DemoReceiver> StartAsync(Addresses addresses, ILoggerProvider log, CancellationToken cancellationToken)
    {
        var receiver = new DemoReceiver(addresses, log);
        await receiver.app.StartAsync(cancellationToken);
        return receiver;
    }

    /// <summary>The webhook that tells <paramref name="type"/> of <paramref name="subject"/>, or null where none came in time.</summary>
    public async Task<ReceivedWebhook?> WaitForAsync(string type, string subject, TimeSpan patience, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < patience)
        {
            if (received.FirstOrDefault(r => r.Body.Contains($"\"{type}\"", StringComparison.Ordinal) && r.Body.Contains($"\"{subject}\"", StringComparison.Ordinal)) is { } found)
            {
                return found;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }

    private async Task<IResult> ReceiveAsync(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(request.HttpContext.RequestAborted);
        var id = request.Headers["webhook-id"].ToString();
        if (!IsGenuine(id, request.Headers["webhook-timestamp"].ToString(), request.Headers["webhook-signature"].ToString(), body))
        {
            return Results.Unauthorized();
        }

        received.Enqueue(new ReceivedWebhook(id, body));
        while (received.Count > Remembered && received.TryDequeue(out _))
        {
            // Only the last ones are of interest.
        }

        return Results.NoContent();
    }

    private bool IsGenuine(string id, string timestamp, string signatures, string body)
    {
        const string prefix = "whsec_";
        if (secret is not { } known
            || !long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || (TimeProvider.System.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() > Tolerance)
        {
            return false;
        }

        var key = Convert.FromBase64String(known[prefix.Length..]);
        var expected = Encoding.ASCII.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}"))));
        return signatures.Split(' ').Any(s => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(s), expected));
    }
}

/// <summary>A webhook whose signature was right.</summary>
internal sealed record ReceivedWebhook(string Id, string Body);
