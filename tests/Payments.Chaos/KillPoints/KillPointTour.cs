using Payments.Chaos.Judging;
using Payments.Chaos.Load;
using Payments.Chaos.Processes;

namespace Payments.Chaos.KillPoints;

/// <summary>A fleet of its own, every kill point visited, and then the verdict over everything that came of it.</summary>
public static class KillPointTour
{
    /// <summary>Nobody waits a minute for what a killed process left behind.</summary>
    private static readonly Dictionary<string, string?> Hurry = new()
    {
        ["Payments:Deadlines:Open"] = "00:00:01",
        ["Payments:Deadlines:Unknown"] = "00:00:01",
        ["Payments:Deadlines:Pending"] = "00:00:05",
        ["Payments:Deadlines:Notice"] = "00:00:02",
        ["Payments:Deadlines:MissingSpacing"] = "00:00:01",
        ["Payments:ResolverIntervalMilliseconds"] = "200",
        ["Payments:Webhooks:TimeoutSeconds"] = "4",
        ["Payments:Webhooks:LeaseSeconds"] = "5",
        ["Payments:Outbox:MarkMilliseconds"] = "10",
        ["Payments:Events:HeadsPollMilliseconds"] = "500",
        ["Payments:HoldSweepMilliseconds"] = "500",
        // A provider whose webhook found nobody is waited for before the next visit.
        ["Simulators:LongestWebhookPauseMilliseconds"] = "2000",
    };

    /// <returns>What went wrong: points that were not reached or not survived, then the violations.</returns>
    public static async Task<IReadOnlyList<string>> RunAsync(IReadOnlyList<KillPoint> points, Action<string> tell, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(points);
        ArgumentNullException.ThrowIfNull(tell);
        var directory = await Fleet.NewDirectoryAsync(cancellationToken);
        await using var fleet = await Fleet.StartAsync(new FleetOptions { Directory = directory, Configuration = Hurry }, cancellationToken);
        using var journal = new Journal(directory);
        await using var receiver = await Receiver.StartAsync(journal, () => 1, cancellationToken);
        using var client = new Client(fleet, journal);
        var shops = await ShopSetup.OpenAsync(fleet, client, receiver.Url, cancellationToken);

        var reader = new EvidenceReader(EvidenceSource.Of(fleet), journal, shops);
        using var run = new KillPointRun(fleet, client, reader, shops, tell);
        await run.PrepareAsync(cancellationToken);
        var problems = new List<string>();
        foreach (var together in KillPoint.Together(points.Where(p => !p.IsRecovery)).TakeWhile(_ => !run.IsStuck))
        {
            if (await run.VisitAsync(together, cancellationToken) is { } problem)
            {
                problems.Add(problem);
            }
        }

        await ComeToRestAsync(reader, cancellationToken);
        await reader.ReadBackAsync(cancellationToken);
        var evidence = await reader.ReadAsync([], null, cancellationToken);
        problems.AddRange(Verdict.Of(evidence).Select(violation => violation.ToString()));

        // Second charges and forgotten holds are nothing that the verdict lets pass: they come after it, and the providers' books judge them.
        using var recoveries = new RecoveryRun(fleet, run, tell);
        foreach (var point in points.Where(p => p.IsRecovery).TakeWhile(_ => !run.IsStuck))
        {
            if (await recoveries.VisitAsync(point, cancellationToken) is { } problem)
            {
                problems.Add(problem);
            }
        }

        return problems;
    }

    /// <summary>Prints the verdict as the last line; returns whether it is ok.</summary>
    public static bool Report(IReadOnlyList<string> problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        foreach (var problem in problems)
        {
            Console.WriteLine(problem);
        }

        Console.WriteLine(problems.Count == 0 ? $"VERDICT ok: {KillPoint.All.Count} kill points" : $"VERDICT VIOLATION: {problems.Count} at {KillPoint.All.Count} kill points");
        return problems.Count == 0;
    }

    private static async Task ComeToRestAsync(EvidenceReader reader, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while ((await reader.UnrestAsync(cancellationToken)).Count > 0 && TimeProvider.System.GetElapsedTime(began) < KillPointRun.Patience)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
        }
    }
}
