using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Payments.Simulators;
using Payments.Simulators.Hosting;

namespace Payments.IntegrationTests.Simulators;

/// <summary>The simulators in this process, on random ports and in a directory of their own, answering at once.</summary>
public sealed class RunningSimulator : IAsyncDisposable
{
    public const string StripeKey = "sk_test_of_these_tests";
    public const string AdyenKey = "AQE_of_these_tests";
    public const string MerchantAccount = "TestsECOM";

    private readonly WebApplication app;
    private readonly bool isDirectoryOurs;

    private RunningSimulator(WebApplication app, string data, bool isDirectoryOurs, ConcurrentQueue<string> log)
    {
        this.app = app;
        this.isDirectoryOurs = isDirectoryOurs;
        Data = data;
        Log = log;
        Base = new Uri(app.Urls.Single(u => u.StartsWith("http:", StringComparison.Ordinal)));
        Https = new Uri(app.Urls.Single(u => u.StartsWith("https:", StringComparison.Ordinal)));
        Http = new HttpClient { BaseAddress = Base, Timeout = TimeSpan.FromSeconds(60) };
    }

    public Uri Base { get; }

    public Uri Https { get; }

    public HttpClient Http { get; }

    public string Data { get; }

    /// <summary>Every line that was logged, at every level.</summary>
    public ConcurrentQueue<string> Log { get; }

    /// <param name="hasAgenda">Without one, nothing is done that is only due: it waits for the next start.</param>
    public static async Task<RunningSimulator> StartAsync(
        CancellationToken cancellationToken, string? data = null, TimeProvider? clock = null, bool hasAgenda = true, params (string Key, string Value)[] settings)
    {
        var directory = data ?? Directory.CreateTempSubdirectory("payments-simulators-").FullName;
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Simulators:Data"] = directory,
            ["Simulators:LatencyMedianMilliseconds"] = "0",
            ["Simulators:OutcomeDelayMilliseconds"] = "20",
            ["Simulators:Stripe:ApiKey"] = StripeKey,
            ["Simulators:Adyen:ApiKey"] = AdyenKey,
            ["Simulators:Adyen:MerchantAccount"] = MerchantAccount,
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        var log = new ConcurrentQueue<string>();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(new Recorder(log));
        builder.WebHost.UseUrls("http://127.0.0.1:0", "https://127.0.0.1:0");
        if (clock is not null)
        {
            builder.Services.AddSingleton(clock);
        }

        builder.AddSimulators();
        if (!hasAgenda)
        {
            builder.Services.Remove(builder.Services.Single(s => s.ImplementationType == typeof(Agenda)));
        }

        var app = builder.Build();
        app.MapSimulators();
        await app.StartAsync(cancellationToken);
        return new RunningSimulator(app, directory, data is null, log);
    }

    /// <summary>A request to Stripe's part.</summary>
    public async Task<Reply> StripeAsync(string path, IReadOnlyDictionary<string, string>? form, CancellationToken cancellationToken, string? key = null)
    {
        using var request = new HttpRequestMessage(form is null ? HttpMethod.Get : HttpMethod.Post, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", StripeKey);
        request.Content = form is null ? null : new FormUrlEncodedContent(form);
        return await SendAsync(request, key, cancellationToken);
    }

    /// <summary>A request to Adyen's part.</summary>
    public async Task<Reply> AdyenAsync(string path, object body, CancellationToken cancellationToken, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Add("X-API-Key", AdyenKey);
        request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        return await SendAsync(request, key, cancellationToken);
    }

    /// <summary>A sale of 50.00 USD at Stripe, confirmed at once.</summary>
    public Task<Reply> SaleAsync(CancellationToken cancellationToken, string? key = null, string card = "pm_card_visa", string amount = "5000", string capture = "automatic", string reference = "att_1") =>
        StripeAsync(
            "/v1/payment_intents",
            new Dictionary<string, string>
            {
                ["amount"] = amount,
                ["currency"] = "usd",
                ["payment_method"] = card,
                ["payment_method_types[]"] = "card",
                ["confirm"] = "true",
                ["capture_method"] = capture,
                ["metadata[attempt_id]"] = reference,
            },
            cancellationToken,
            key);

    /// <summary>A payment of 50.00 EUR at Adyen, captured by hand.</summary>
    public Task<Reply> PaymentAsync(CancellationToken cancellationToken, string? key = null, string number = "4111111111111111", string reference = "att_1") =>
        AdyenAsync(
            "/v71/payments",
            new
            {
                merchantAccount = MerchantAccount,
                amount = new { currency = "EUR", value = 5000 },
                reference,
                returnUrl = "https://shop.example/back",
                paymentMethod = new { type = "scheme", number, expiryMonth = "03", expiryYear = "2034", cvc = "737" },
                additionalData = new { manualCapture = "true" },
            },
            cancellationToken,
            key);

    public async Task<JsonElement> BooksAsync(string provider, CancellationToken cancellationToken, string? reference = null)
    {
        using var answer = await Http.GetAsync(new Uri($"/books/{provider}{(reference is null ? "" : $"?reference={reference}")}", UriKind.Relative), cancellationToken);
        answer.EnsureSuccessStatusCode();
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)).RootElement;
    }

    /// <summary>The one charge of a provider's books.</summary>
    public async Task<JsonElement> OnlyChargeAsync(string provider, CancellationToken cancellationToken) =>
        Assert.Single((await BooksAsync(provider, cancellationToken)).GetProperty("charges").EnumerateArray());

    /// <summary>Waits until the only charge of a provider's books looks as wanted.</summary>
    public async Task<JsonElement> UntilChargeAsync(string provider, Func<JsonElement, bool> isWanted, CancellationToken cancellationToken)
    {
        while (true)
        {
            var charge = await OnlyChargeAsync(provider, cancellationToken);
            if (isWanted(charge))
            {
                return charge;
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    public async Task FaultAsync(object fault, CancellationToken cancellationToken)
    {
        using var content = new StringContent(JsonSerializer.Serialize(fault), Encoding.UTF8, "application/json");
        using var answer = await Http.PostAsync(new Uri("/faults", UriKind.Relative), content, cancellationToken);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
        if (isDirectoryOurs)
        {
            Directory.Delete(Data, recursive: true);
        }
    }

    private async Task<Reply> SendAsync(HttpRequestMessage request, string? key, CancellationToken cancellationToken)
    {
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var answer = await Http.SendAsync(request, cancellationToken);
        var body = await answer.Content.ReadAsStringAsync(cancellationToken);
        return new Reply(
            (int)answer.StatusCode,
            body,
            answer.Headers.ToDictionary(h => h.Key, h => string.Join(',', h.Value), StringComparer.OrdinalIgnoreCase));
    }

    private sealed class Recorder(ConcurrentQueue<string> log) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{logLevel} {formatter(state, exception)} {exception}"));

        public void Dispose()
        {
        }
    }
}

/// <summary>What came back.</summary>
public sealed record Reply(int Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;
}
