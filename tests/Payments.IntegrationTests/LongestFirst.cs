using Payments.IntegrationTests.Ledger;
using Payments.IntegrationTests.Recovery;
using Payments.IntegrationTests.Simulators;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Payments.IntegrationTests.LongestFirst))]

namespace Payments.IntegrationTests;

/// <summary>
/// Begins with what takes longest, so that a run does not end with everybody waiting for it: what shares a product (one test after
/// the other), then classes of minutes, then the others by name.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Minutes = [.. new[] { typeof(SilentProviderTests), typeof(RetirementTests), typeof(StripeClientTests) }.Select(t => t.FullName!)];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(Rank).ThenBy(c => c.TestCollectionDisplayName, StringComparer.Ordinal)];

    private static int Rank<TTestCollection>(TTestCollection collection) where TTestCollection : ITestCollection =>
        collection.TestCollectionClassName is not null ? 0 : Array.Exists(Minutes, m => collection.TestCollectionDisplayName.Contains(m, StringComparison.Ordinal)) ? 1 : 2;
}
