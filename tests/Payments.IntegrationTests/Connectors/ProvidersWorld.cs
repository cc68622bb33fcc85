using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Payments.Connectors;
using Payments.Core;
using Payments.Simulators;
using Xunit;

namespace Payments.IntegrationTests.Connectors;

/// <summary>The simulated providers on a real socket, the product's connectors before them, and a sink for their webhooks.</summary>
public sealed class ProvidersWorld : IAsyncLifetime
{
    private const string StripeSecret = "whsec_of_the_test";
    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("payments-providers-");
    private readonly ConcurrentQueue<ProviderFact> facts = new();
    private WebApplication? simulators;
    private WebApplication? sink;
    private IHost? connectors;
    private int refusedWebhooks;

    public static IdSource Ids { get; } = new(TimeProvider.System);

    public HttpClient Simulators { get; private set; } = null!;

    public Uri Url { get; private set; } = null!;

    public ConnectorRegistry Registry => connectors!.Services.GetRequiredService<ConnectorRegistry>();

    public Router Router => connectors!.Services.GetRequiredService<Router>();

    public IReadOnlyCollection<ProviderFact> Facts => facts;

    /// <summary>Webhooks whose signature or content the connectors refused.</summary>
    public int RefusedWebhooks => refusedWebhooks;

    public IConnector this[Provider provider] => Registry.Find(provider, Mode.Test)!;

    public async ValueTask InitializeAsync()
    {
        sink = Application([]);
        sink.MapPost("/{provider}", ReceiveAsync);
        await sink.StartAsync(TestContext.Current.CancellationToken);
        var hooks = sink.Urls.First();
        simulators = Application(
            new()
            {
                ["Simulators:Data"] = data.FullName,
                ["Simulators:LatencyMedianMilliseconds"] = "0",
                ["Simulators:OutcomeDelayMilliseconds"] = "20",
                ["Simulators:Stripe:WebhookUrl"] = hooks + "/stripe",
                ["Simulators:Stripe:WebhookSecret"] = StripeSecret,
                ["Simulators:Adyen:WebhookUrl"] = hooks + "/adyen",
            },
            b => b.AddSimulators());
        simulators.MapSimulators();
        await simulators.StartAsync(TestContext.Current.CancellationToken);
        Url = new Uri(simulators.Urls.First());
        Simulators = new HttpClient { BaseAddress = Url };
        await RestartConnectorsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Simulators?.Dispose();
        await StopConnectorsAsync();
        foreach (var app in new[] { simulators, sink })
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }
        }

        data.Delete(recursive: true);
    }

    /// <summary>Configuration that makes the product's connectors talk to these simulators.</summary>
    public Dictionary<string, string?> Configuration(Uri? url = null) => new()
    {
        ["Payments:Stripe:Test:BaseUrl"] = (url ?? Url).ToString(),
        ["Payments:Stripe:Test:ApiKey"] = "sk_test_simulator",
        ["Payments:Stripe:Test:WebhookSecret"] = StripeSecret,
        ["Payments:Adyen:Test:BaseUrl"] = (url ?? Url).ToString(),
        ["Payments:Adyen:Test:ApiKey"] = "AQE_simulator",
        ["Payments:Adyen:Test:MerchantAccount"] = "PaymentsECOM",
        ["Payments:Adyen:Test:HmacKey"] = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    };

    /// <summary>New connectors with closed circuits, as after a restart of the service.</summary>
    public async Task RestartConnectorsAsync(params (string Key, string Value)[] settings)
    {
        await StopConnectorsAsync();
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(Configuration());
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"Payments:Connectors:{s.Key}", (string?)s.Value)));
        builder.Services.AddConnectors(builder.Configuration);
        connectors = builder.Build();
        await connectors.StartAsync(TestContext.Current.CancellationToken);
    }

    public async Task InjectAsync(Provider provider, string operation, string kind, int? count = null, bool? executed = null)
    {
        var fault = new Dictionary<string, object> { ["provider"] = Name(provider), ["operation"] = operation, ["kind"] = kind };
        if (count is not null)
        {
            fault["count"] = count;
        }

        if (kind == "delay")
        {
            fault["delay_ms"] = 300;
        }

        if (executed is not null)
        {
            fault["executed"] = executed;
        }

        using var answer = await Simulators.PostAsJsonAsync("/faults", fault, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public async Task ClearFaultsAsync() => (await Simulators.DeleteAsync(new Uri("/faults", UriKind.Relative), TestContext.Current.CancellationToken)).Dispose();

    /// <summary>What the provider has on its books about one of our references.</summary>
    public async Task<IReadOnlyList<JsonElement>> BooksAsync(Provider provider, string reference)
    {
        var books = await Simulators.GetFromJsonAsync<JsonElement>($"/books/{Name(provider)}?reference={reference}", TestContext.Current.CancellationToken);
        return [.. books.GetProperty("charges").EnumerateArray()];
    }

    public async Task<string> TokenAsync(Provider provider, string number = "4242424242424242")
    {
        var answer = await this[provider].TokeniseAsync(
            new TokeniseCall(Ids.New<TokenId>(), Ids.New<MerchantId>(), Mode.Test, new CardData(number, 12, 2034, "123", null)), TestContext.Current.CancellationToken);
        Assert.Equal(OutcomeKind.Approved, answer.Kind);
        return answer.ProviderToken!;
    }

    public async Task<AuthorizeCall> CallAsync(Provider provider, string number = "4242424242424242", bool captureNow = false, long amount = 10_000) => new(
        Ids.New<AttemptId>(), Ids.New<PaymentId>(), Ids.New<MerchantId>(), Mode.Test, new Money(amount, Currency.Of("USD")), captureNow, ThreeDSecureRequest.None,
        await TokenAsync(provider, number), "A description", null, "https://shop.test/return?a=1");

    public static ModifyCall Modify(AuthorizeCall of, string reference, long amount, bool final = true, string? reason = null) => new(
        Ids.New<AttemptId>(), of.PaymentId, Ids.New<OperationId>(), Mode.Test, reference, new Money(amount, of.Amount.Currency), final, reason);

    public static ReadCall Read(OperationKind kind, AttemptId attempt, AuthorizeCall of, string? reference, string? modification = null) => new(
        kind, attempt, of.PaymentId, Mode.Test, of.Amount, reference, modification, TimeProvider.System.GetUtcNow().AddSeconds(-30));

    /// <summary>Waits for a fact to arrive by webhook.</summary>
    public async Task<ProviderFact> FactAsync(Func<ProviderFact, bool> wanted)
    {
        while (true)
        {
            if (facts.FirstOrDefault(wanted) is { } fact)
            {
                return fact;
            }

            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits for the outcome of a modification, wherever it shows: in the answer, or later by webhook.</summary>
    public async Task<ProviderFactKind?> SettledAsync(Outcome outcome, ModifyCall call) => outcome.Kind == OutcomeKind.Pending
        ? (await FactAsync(f => f.AttemptId == call.AttemptId && f.ModificationReference == outcome.ModificationReference && f.Kind != ProviderFactKind.Other)).Kind
        : null;

    public static string Name(Provider provider) => provider == Provider.Stripe ? "stripe" : "adyen";

    private async Task StopConnectorsAsync()
    {
        if (connectors is not null)
        {
            await connectors.StopAsync(CancellationToken.None);
            connectors.Dispose();
        }
    }

    private async Task<IResult> ReceiveAsync(string provider, HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var headers = context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString());
        if (this[provider == "stripe" ? Provider.Stripe : Provider.Adyen].ReadWebhook(headers, body.ToArray()) is not { } notice)
        {
            Interlocked.Increment(ref refusedWebhooks);
            return Results.BadRequest();
        }

        foreach (var fact in notice.Facts)
        {
            facts.Enqueue(fact);
        }

        return Results.Ok();
    }

    private static WebApplication Application(Dictionary<string, string?> configuration, Action<WebApplicationBuilder>? add = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        add?.Invoke(builder);
        return builder.Build();
    }
}
