using System.Net;

namespace Payments.IntegrationTests.Fire;

/// <summary>A product of its own with short intervals, whose way to Stripe can be closed.</summary>
public sealed class OutageProduct : ProductFixture
{
    public OutageProduct(EmbeddedServers servers)
        : base(servers) => Stripe = new Gate(() => new IPEndPoint(IPAddress.Loopback, Host.Addresses.Simulators.Port));

    internal Gate Stripe { get; }

    protected override Dictionary<string, string?> Configuration() => new(base.Configuration())
    {
        ["Payments:Stripe:Test:BaseUrl"] = $"http://127.0.0.1:{Stripe.Port}",
        ["Payments:Connectors:ProbeIntervalMilliseconds"] = "300",
        ["Payments:Connectors:RampStepMilliseconds"] = "15000",
        ["Payments:Deadlines:Unknown"] = "00:00:01",
        ["Payments:Deadlines:MissingSpacing"] = "00:00:01",
        ["Payments:ResolverIntervalMilliseconds"] = "200",
    };

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Stripe.DisposeAsync();
    }
}
