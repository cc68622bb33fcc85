using System.Reflection;
using Payments.Ledger.Exchanges;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Payments.Reconciliation;
using Xunit;

namespace Payments.Tests.Architecture;

/// <summary>Steps of settlement, payouts and reconciliation are in the lists that the tests go through which end a process at each of them.</summary>
public sealed class NamedStepsTests
{
    private static readonly Dictionary<Type, IReadOnlyList<string>> Visited = new()
    {
        [typeof(ReconciliationSteps)] = [.. ReconciliationSteps.All, .. ReconciliationSteps.OfBooking, .. ReconciliationSteps.OfExpecting],
        [typeof(SettlementSteps)] = SettlementSteps.All,
        [typeof(PayoutSteps)] = PayoutSteps.All,
        [typeof(ExchangeSteps)] = ExchangeSteps.All,
    };

    [Theory]
    [InlineData(typeof(ReconciliationSteps))]
    [InlineData(typeof(SettlementSteps))]
    [InlineData(typeof(PayoutSteps))]
    [InlineData(typeof(ExchangeSteps))]
    public void Every_named_step_is_visited(Type steps)
    {
        var named = steps.GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!).Order().ToArray();

        Assert.NotEmpty(named);
        Assert.Equal(named, Visited[steps].Order());
        Assert.Equal(named.Length, named.Distinct().Count());
    }
}
