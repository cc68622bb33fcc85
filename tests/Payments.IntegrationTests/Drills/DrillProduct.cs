using System.Net;
using System.Text.Json;
using Payments.IntegrationTests.Fire;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>The product of the drills that need no database of their own: short intervals, and a way to Stripe that can be closed.</summary>
public sealed class DrillProduct : ProductFixture
{
    public new const string Name = "drills";

    public DrillProduct(EmbeddedServers servers)
        : base(servers) => Stripe = new Gate(() => new IPEndPoint(IPAddress.Loopback, Host.Addresses.Simulators.Port));

    internal Gate Stripe { get; }

    /// <summary>What drills may wait for within seconds instead of minutes.</summary>
    internal static Dictionary<string, string?> Haste { get; } = new()
    {
        ["Payments:Connectors:ProbeIntervalMilliseconds"] = "300",
        ["Payments:Connectors:RampStepMilliseconds"] = "1000",
        ["Payments:Connectors:AuthorizeMilliseconds"] = "10000",
        ["Payments:Connectors:ModifyMilliseconds"] = "10000",
        ["Payments:Deadlines:Open"] = "00:00:25",
        ["Payments:Deadlines:Unknown"] = "00:00:01",
        ["Payments:Deadlines:MissingSpacing"] = "00:00:01",
        ["Payments:ResolverIntervalMilliseconds"] = "200",
        ["Payments:Listing:IntervalMilliseconds"] = "240000",
        ["Payments:LikelyDuplicatesMilliseconds"] = "1500000",
        ["Payments:Events:HeadsPollMilliseconds"] = "500",
        ["Payments:Events:MaxRetryDelayMilliseconds"] = "1000",
        ["Payments:Outbox:MaxRetryDelayMilliseconds"] = "1000",
        ["Payments:Ledger:ControlSeconds"] = "1",
        ["Payments:UnresolvedWatchMilliseconds"] = "500",

        // Where scoring is late, shoppers' payments must not wait for a person.
        ["Payments:FraudDefault:ApproveUpToUsCents"] = "10000000",
    };

    protected override Dictionary<string, string?> Configuration()
    {
        var configuration = DrillSteps.With(base.Configuration(), Haste);
        configuration["Payments:Stripe:Test:BaseUrl"] = $"http://127.0.0.1:{Stripe.Port}";
        return configuration;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Stripe.DisposeAsync();
    }
}

[CollectionDefinition(DrillProduct.Name)]
public sealed class DrillCollectionDefinition : ICollectionFixture<DrillProduct>;

internal static class DrillSteps
{
    public static Dictionary<string, string?> With(Dictionary<string, string?> configuration, Dictionary<string, string?> more)
    {
        foreach (var (key, value) in more)
        {
            configuration[key] = value;
        }

        return configuration;
    }

    /// <summary>A service's health, as its probes see it.</summary>
    public static async Task<(int Status, JsonElement Report)> HealthAsync(Uri service, CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri(service, "/health"), cancellationToken);
        return ((int)answer.StatusCode, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(cancellationToken)));
    }

    /// <summary>Waits until a service, or one check of it, has this health.</summary>
    public static Task UntilHealthAsync(Uri service, string wanted, CancellationToken cancellationToken, string? check = null) =>
        Eventually.BecomesTrueAsync(
            $"{check ?? "health"} of {service} is {wanted}",
            async () =>
            {
                var (_, report) = await HealthAsync(service, cancellationToken);
                var status = check is null ? report.GetProperty("status") : report.GetProperty("checks").EnumerateArray().Single(c => c.GetProperty("name").GetString() == check).GetProperty("status");
                return status.GetString() == wanted ? null : report.ToString();
            },
            cancellationToken);

    public static async Task<JsonElement> PayAsync(ProductFixture product, Shop shop, string currency, long amount, CancellationToken cancellationToken, string capture = "automatic")
    {
        var body = new { amount, currency, payment_method = new { token = shop.Token }, capture_method = capture };
        using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", body, cancellationToken);
        return await ProductFixture.JsonAsync(answer, cancellationToken);
    }

    public static async Task<JsonElement> ReadAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        return await ProductFixture.JsonAsync(answer, cancellationToken);
    }

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
