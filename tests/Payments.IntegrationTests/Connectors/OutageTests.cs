using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Connectors;

/// <summary>A provider goes down and comes back: its circuit opens, payments go to the other, traffic returns by steps.</summary>
public sealed class OutageTests(ProvidersWorld world) : IClassFixture<ProvidersWorld>, IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await world.RestartConnectorsAsync(("ProbeIntervalMilliseconds", "300"), ("RampStepMilliseconds", "10000"));

    public async ValueTask DisposeAsync() => await world.ClearFaultsAsync();

    [Theory]
    [InlineData(Provider.Stripe)]
    [InlineData(Provider.Adyen)]
    public async Task A_provider_that_is_down_gets_nothing_and_returns_by_steps(Provider provider)
    {
        var call = await world.CallAsync(provider);
        var other = provider == Provider.Stripe ? Provider.Adyen : Provider.Stripe;
        await world.InjectAsync(provider, "any", "unavailable");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(OutcomeKind.Unknown, (await AuthorizeAsync(provider, call)).Kind);
        }

        Assert.Equal(CircuitState.Open, Health(provider).State);
        Assert.Equal("circuit open", (await AuthorizeAsync(provider, call)).Detail);
        Assert.Equal([other], Plan(provider).Candidates.Select(c => c.Provider));

        // Probes are answered while it is down, too: by failing.
        var probedAt = Health(provider).NextProbeAt;
        while (Health(provider).NextProbeAt == probedAt)
        {
            await Task.Delay(20, Cancel);
        }

        Assert.Equal((CircuitState.Open, 0), (Health(provider).State, Health(provider).ProbeSuccesses));

        var steps = new List<int> { Health(provider).SharePercent };
        await world.ClearFaultsAsync();
        while (Health(provider) is { State: not CircuitState.Closed } health)
        {
            if (steps.LastOrDefault(-1) != health.SharePercent)
            {
                steps.Add(health.SharePercent);
            }

            await Task.Delay(20, Cancel);
        }

        Assert.Equal([0, 10, 30, 50], steps);
        Assert.Equal(OutcomeKind.Approved, (await AuthorizeAsync(provider, call)).Kind);
        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(provider, Plan(provider).Candidates[0].Provider));
    }

    private Task<Outcome> AuthorizeAsync(Provider provider, AuthorizeCall call) =>
        world[provider].AuthorizeAsync(call with { AttemptId = ProvidersWorld.Ids.New<AttemptId>() }, Cancel);

    private ProviderHealth Health(Provider provider) => world.Registry.Health().Single(h => h.Provider == provider);

    private RoutePlan Plan(Provider preferred) => world.Router.Plan(new RouteQuestion(
        ProvidersWorld.Ids.New<PaymentId>(), Mode.Test, new Money(1_000, Currency.Of("USD")), "visa", "US", "credit", [Provider.Stripe, Provider.Adyen], preferred));
}
