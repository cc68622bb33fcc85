using Payments.Bench.Decisions;

namespace Payments.Bench;

/// <summary>A card testing of 5,000 attempts from 20 addresses among honest traffic, decided by the fraud service's own code.</summary>
internal static class AttackScenario
{
    public static readonly Scenario Attack = new("attack", "a card testing of 5,000 attempts from 20 addresses in honest traffic: what is stopped, who is hindered", Run);

    private static IReadOnlyList<Figure> Run(TextWriter progress, CancellationToken cancellationToken) => RunAsync(progress, cancellationToken).GetAwaiter().GetResult();

    private static async Task<IReadOnlyList<Figure>> RunAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        await using var servers = await OwnServers.StartAsync(cancellationToken);
        var table = await AttackTrial.RunAsync(new(), () => servers.NewAsync(cancellationToken), TimeProvider.System.GetUtcNow(), progress, cancellationToken);
        foreach (var line in table.Lines())
        {
            Console.WriteLine(line);
        }

        return
        [
            new("not stopped after first 5", 100 * (1 - table.StoppedShare), "%", 1),
            new("good payments hindered", 100 * table.HinderedShare, "%", .5),
        ];
    }
}
