using Payments.Chaos.Judging;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>What short runs left behind that broke no promise, kept beside the tests: <c>./chaos.sh --minutes 0.1 --rate 1 --seed 12</c>.</summary>
public sealed class KeptEvidence : IAsyncLifetime
{
    /// <summary>Of a version that told of authorization and capture of a sale by an event each, as logs still may.</summary>
    public Evidence Evidence { get; private set; } = null!;

    /// <summary>Where one event tells of both.</summary>
    public Evidence Sales { get; private set; } = null!;

    public async ValueTask InitializeAsync() => (Evidence, Sales) = (await LoadAsync(Payments.Chaos.Judging.Evidence.FileName), await LoadAsync("sales.json"));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Task<Evidence> LoadAsync(string file) =>
        Payments.Chaos.Judging.Evidence.LoadAsync(Path.Combine(AppContext.BaseDirectory, "Chaos", file), TestContext.Current.CancellationToken);
}
