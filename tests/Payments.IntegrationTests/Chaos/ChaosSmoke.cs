using Payments.Chaos;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>One short run of the proving machine with a fixed seed: a few faults of every kind that fit. Its evidence serves all tests here.</summary>
public sealed class ChaosSmoke : IAsyncLifetime
{
    private readonly List<string> said = [];
    private string? directory;

    public Outcome Outcome { get; private set; } = null!;

    public string Said
    {
        get
        {
            lock (said)
            {
                return string.Join(Environment.NewLine, said);
            }
        }
    }

    public async ValueTask InitializeAsync()
    {
        directory = Directory.CreateTempSubdirectory("payments-chaos-").FullName;
        var options = new ChaosOptions
        {
            Evidence = directory,
            Seed = 7,
            Minutes = 0.3,
            PerSecond = 8,
            Challenge = TimeSpan.FromSeconds(6),
            Tell = Say,
        };
        Outcome = await ChaosRun.RunAsync(options, TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        if (directory is not null)
        {
            Directory.Delete(directory, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    private void Say(string text)
    {
        lock (said)
        {
            said.Add(text);
        }
    }
}
