using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Payments.AllInOne;
using Payments.AllInOne.Embedded;
using Payments.Api;
using Payments.Core.Seams;
using Payments.Platform;
using Payments.ServiceDefaults;

namespace Payments.Bench.Outage;

/// <summary>A payment's answer.</summary>
/// <param name="Decision">Null where the answer has none.</param>
internal sealed record PaidFor(int Status, long Amount, string? Decision, bool ByDefault);

/// <summary>
/// The product with its servers, its fraud service a second time as a process that can be killed, and an API that asks that process over
/// HTTP as services do where each runs by itself. All settings are those that the product has.
/// </summary>
internal sealed class OutageRig : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly string directory;
    private readonly AllInOneHost host;
    private readonly int port = FreePort.Next();
    private readonly HttpClient client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 500 });
    private readonly MeterListener meters;
    private WebApplication? api;
    private Process? fraud;
    private string token = "";
    private int requests;

    private OutageRig(string directory, AllInOneHost host)
    {
        (this.directory, this.host) = (directory, host);
        meters = Listen();
    }

    /// <summary>How long each payment waited for its decision, in seconds.</summary>
    public ConcurrentQueue<double> Waits { get; } = new();

    public static async Task<OutageRig> StartAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("payments-bench-").FullName;
        var options = new AllInOneOptions
        {
            DataDirectory = directory,
            SimulatorLatencyMilliseconds = 0,
            Configuration = new Dictionary<string, string?> { ["Payments:RateLimits:SecretPerSecond"] = "1000000", ["Payments:Seed:RequestsPerSecond"] = "100000" },
            Progress = what => progress.WriteLine($"starting {what} ..."),
        };
        var rig = new OutageRig(directory, await AllInOneHost.StartAsync(options, cancellationToken));
        try
        {
            await rig.StartFraudAsync(cancellationToken);
            await rig.StartApiAsync(cancellationToken);
            return rig;
        }
        catch (Exception)
        {
            await rig.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kills the fraud service and Redis, and cuts the broker off.</summary>
    public async Task KillAsync()
    {
        fraud!.Kill(entireProcessTree: true);
        host.Backends.Kafka!.CutOff();
        await host.Backends.Redis!.KillAsync();
    }

    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        host.Backends.Kafka!.Restore();
        await host.Backends.Redis!.StartAsync(cancellationToken);
        await StartFraudAsync(cancellationToken);
    }

    public async Task<PaidFor> PayAsync(long amount, CancellationToken cancellationToken)
    {
        var body = new { amount, currency = "USD", payment_method = new { token }, return_url = "https://shop.example/done" };
        var (status, paid) = await PostAsync(api!.Urls.First() + "/v1/payments", host.Secrets.SecretKey, body, cancellationToken);
        var risk = paid.ValueKind == JsonValueKind.Object && paid.TryGetProperty("risk", out var told) && told.ValueKind == JsonValueKind.Object ? told : default;
        return risk.ValueKind == JsonValueKind.Object
            ? new(status, amount, risk.GetProperty("decision").GetString(), risk.GetProperty("factors").EnumerateArray().Any(f => f.GetString() == FraudFallback.Factor))
            : new(status, amount, null, false);
    }

    public async ValueTask DisposeAsync()
    {
        meters.Dispose();
        if (api is not null)
        {
            await api.DisposeAsync();
        }

        client.Dispose();
        if (fraud is { HasExited: false })
        {
            fraud.Kill(entireProcessTree: true);
        }

        fraud?.Dispose();
        await host.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    private async Task StartApiAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(ConfigurationOf(Names.Services.Api));
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Payments:Urls:Fraud"] = Address });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults(Names.Services.Api);
        builder.AddApi();
        api = builder.Build();
        api.MapServiceDefaults();
        api.MapApi();
        await api.StartAsync(cancellationToken);
        var card = new { card = new { number = "4242424242424242", exp_month = 12, exp_year = 2034, cvc = "123" } };
        var (status, made) = await PostAsync($"{host.Addresses.Vault}v1/tokens", host.Secrets.PublishableKey, card, cancellationToken);
        token = status is 200 or 201 ? made.GetProperty("id").GetString()! : throw new InvalidOperationException($"The vault answered {status}.");
    }

    private string Address => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");

    private async Task StartFraudAsync(CancellationToken cancellationToken)
    {
        fraud?.Dispose();
        var start = new ProcessStartInfo("dotnet") { ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, "Payments.Fraud.dll") }, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in ConfigurationOf(Names.Services.Fraud))
        {
            if (value is not null && (key.StartsWith("Payments", StringComparison.Ordinal) || key.StartsWith("ConnectionStrings", StringComparison.Ordinal)))
            {
                start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
            }
        }

        start.Environment["ASPNETCORE_URLS"] = Address;
        fraud = Process.Start(start) ?? throw new InvalidOperationException("The fraud service did not start.");
        _ = fraud.StandardOutput.ReadToEndAsync(CancellationToken.None);
        _ = fraud.StandardError.ReadToEndAsync(CancellationToken.None);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri(Address + "/alive"), limit.Token);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(50, limit.Token);
        }
    }

    private IEnumerable<KeyValuePair<string, string?>> ConfigurationOf(string service) => host.ServicesOf(service).GetRequiredService<IConfiguration>().AsEnumerable();

    private async Task<(int Status, JsonElement Body)> PostAsync(string url, string key, object body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add("Idempotency-Key", string.Create(CultureInfo.InvariantCulture, $"outage-{Interlocked.Increment(ref requests)}"));
        using var answer = await client.SendAsync(request, cancellationToken);
        return ((int)answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken));
    }

    private MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, l) =>
            {
                if (instrument.Name == "payments.fraud.decision.duration")
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => Waits.Enqueue(seconds));
        listener.Start();
        return listener;
    }
}
