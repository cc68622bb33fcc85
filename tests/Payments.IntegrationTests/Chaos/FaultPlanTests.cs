using Payments.Chaos.Faults;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>A plan of ten minutes has more of every kind than the verdict demands, whatever the seed.</summary>
public sealed class FaultPlanTests
{
    [Theory]
    [InlineData(FaultKinds.Kill, 21)]
    [InlineData(FaultKinds.DatabaseCrash, 4)]
    [InlineData(FaultKinds.RedisFlush, 4)]
    [InlineData(FaultKinds.BrokerWipe, 4)]
    [InlineData(FaultKinds.RedisPause, 2)]
    [InlineData(FaultKinds.DiskFull, 2)]
    [InlineData(FaultKinds.ClockStep, 2)]
    [InlineData(FaultKinds.Silence, 1)]
    public void A_plan_has_more_than_is_demanded(string kind, int least) => Assert.All(
        Enumerable.Range(0, 20), seed => Assert.True(FaultPlan.Of(seed, TimeSpan.FromMinutes(10), canFillDisk: true, canMoveClocks: true).Count(f => f.Kind == kind) >= least));

    [Fact]
    public void Every_kind_of_provider_fault_comes_within_twenty_outbreaks() => Assert.All(
        Enumerable.Range(0, 20),
        seed => Assert.Superset(
            new HashSet<string> { "timeout_before", "timeout_after", "drop_before", "drop_after", "webhook_late", "webhook_duplicate", "webhook_reorder" },
            ProviderFaults.Drawn(new Random(seed)).Take(20).ToHashSet()));

    [Fact]
    public void Every_service_but_the_books_is_killed()
    {
        var killed = Enumerable.Range(0, 20).SelectMany(seed => FaultPlan.Of(seed, TimeSpan.FromMinutes(10), canFillDisk: true, canMoveClocks: true))
            .Where(f => f.Kind == FaultKinds.Kill).Select(f => f.Target).Distinct();

        Assert.Equal(["api-1", "api-2", "broker", "fraud", "ledger", "reconciliation", "vault", "webhooks"], killed.Order(StringComparer.Ordinal));
    }
}
