using Payments.Chaos.Judging;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>The proving machine itself, for a short time. It takes the whole machine for a minute or two.</summary>
[Trait("proof", "long")]
public sealed class UnderFireTests(ChaosSmoke smoke) : IClassFixture<ChaosSmoke>
{
    [Fact]
    public void A_short_run_under_fire_keeps_every_promise()
    {
        var outcome = smoke.Outcome;
        Assert.True(outcome.Violations.Count == 0, string.Join(Environment.NewLine, outcome.Violations.Take(20).Select(v => v.ToString()).Append(Histories()).Append(smoke.Said)));
        Assert.True(outcome.Evidence.Payments.Count > 50, smoke.Said);
        Assert.All(["kill -9", "database crash", "broker wiped", "Redis emptied", "Redis hung", "Redis stopped"], kind => Assert.True(outcome.Evidence.Fire!.Faults.ContainsKey(kind), kind));
    }

    private string Histories() => string.Join(
        Environment.NewLine, smoke.Outcome.Violations.Select(v => v.Payment).OfType<string>().Distinct().Take(3).Select(p => History.Of(smoke.Outcome.Evidence, p)));
}
