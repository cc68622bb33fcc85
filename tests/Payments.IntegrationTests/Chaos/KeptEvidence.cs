using Payments.Chaos.Judging;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>What a short run left behind that broke no promise, kept beside the tests: <c>./chaos.sh --minutes 0.1 --rate 1 --seed 12</c>.</summary>
public sealed class KeptEvidence : IAsyncLifetime
{
    public Evidence Evidence { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Evidence = await Evidence.LoadAsync(Path.Combine(AppContext.BaseDirectory, "Chaos", Evidence.FileName), TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
