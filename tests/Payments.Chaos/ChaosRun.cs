using System.Globalization;
using Payments.Chaos.Faults;
using Payments.Chaos.Judging;
using Payments.Chaos.Load;
using Payments.Chaos.Processes;
using Payments.Chaos.Reconciling;

namespace Payments.Chaos;

/// <summary>One run: start, load and faults, rest, evidence, reconciliation.</summary>
public static class ChaosRun
{
    /// <summary>Longer than a provider's late webhook takes.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(12);

    public static async Task<Outcome> RunAsync(ChaosOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var began = TimeProvider.System.GetTimestamp();
        void Tell(string text) => options.Tell(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetElapsedTime(began).TotalSeconds,6:0.0} s  {text}"));
        Directory.CreateDirectory(options.Evidence);
        var directory = await Fleet.NewDirectoryAsync(cancellationToken);
        var clock = await ClockLibrary.BuildAsync(directory, cancellationToken);
        await using var fleet = await Fleet.StartAsync(FleetOptions(options, directory, clock, Tell), cancellationToken);
        var leftOut = LeftOut(fleet, clock);
        foreach (var (kind, reason) in leftOut)
        {
            Tell($"LEFT OUT: {kind}, because {reason}");
        }

        using var journal = new Journal(options.Evidence);
        var receiving = new Random(options.Seed + 7);
        await using var receiver = await Receiver.StartAsync(journal, () => Draw(receiving), cancellationToken);
        using var client = new Client(fleet, journal);
        var shops = await ShopSetup.OpenAsync(fleet, client, receiver.Url, cancellationToken);
        var reader = new EvidenceReader(EvidenceSource.Of(fleet), journal, shops);
        using var providers = new ProviderFaults(fleet[Platform.Names.Services.Simulators].Address);
        var pausing = new Random(options.Seed + 13);
        await using var supervisor = new Supervisor(fleet, () => TimeSpan.FromSeconds(0.2 + (Draw(pausing) * 2.5)), Tell);
        using var arsonist = new Arsonist(fleet, supervisor, providers, reader, Tell);

        Tell("load and faults begin");
        var duration = TimeSpan.FromMinutes(options.Minutes);
        var traffic = new Traffic(client, shops, options.Seed, options.PerSecond, options.MostUnderWay);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = traffic.RunAsync(ending.Token, over.Token);
        using var reporting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reports = ReportAsync(traffic.Counts, arsonist, Tell, reporting.Token);
        try
        {
            await arsonist.RunAsync(FaultPlan.Of(options.Seed, duration, fleet.Disk is not null, clock is not null), duration, options.Seed, cancellationToken);
        }
        finally
        {
            await ending.CancelAsync();
            await reporting.CancelAsync();
            await reports;
        }

        await supervisor.WaitUntilWholeAsync(cancellationToken);
        Tell($"faults have ended; {traffic.Counts.Payments} payments so far, {traffic.Counts.UnderWay} errands under way");
        await SettleAsync(reader, running, options.Settling, Tell, cancellationToken);
        await over.CancelAsync();
        await running;

        Tell("collecting the evidence");
        await reader.ReadBackAsync(cancellationToken);
        var fire = new FireRow(options.Minutes, options.PerSecond, arsonist.Counts.ToDictionary(), leftOut) { ProviderFaults = await providers.StruckAsync(cancellationToken) };
        var evidence = await reader.ReadAsync(arsonist.Silences, fire, cancellationToken);

        // The views are those of the run itself: what is booked from here on is in none of them.
        Tell("reconciling the books");
        using (var bookkeeper = new Bookkeeper(fleet, reader, options.Reconciling, Tell))
        {
            evidence = evidence with { Reconciled = await bookkeeper.ReconcileAsync(evidence.Charges, cancellationToken) };
        }

        await evidence.SaveAsync(Path.Combine(options.Evidence, Evidence.FileName), cancellationToken);
        return new Outcome(evidence, Verdict.Of(evidence), providers.Counts, supervisor.Restarts);
    }

    private static Dictionary<string, string> LeftOut(Fleet fleet, string? clock)
    {
        var leftOut = new Dictionary<string, string>();
        if (clock is null)
        {
            leftOut[FaultKinds.ClockStep] = "there is no gcc";
        }

        if (fleet.Disk is null)
        {
            leftOut[FaultKinds.DiskFull] = "nothing may be mounted here";
        }

        return leftOut;
    }

    private static FleetOptions FleetOptions(ChaosOptions options, string directory, string? clock, Action<string> tell) => new()
    {
        Directory = directory,
        Logs = Path.Combine(options.Evidence, "logs"),
        ApiReplicas = 2,
        DiskMegabytes = 700,
        ClockLibrary = clock,
        SimulatorLatencyMilliseconds = 20,
        Configuration = Deadlines(options),
        PostgresSettings = new Dictionary<string, string> { ["shared_buffers"] = "128MB", ["max_wal_size"] = "160MB", ["min_wal_size"] = "80MB" },
        Progress = what => tell("starting " + what),
    };

    /// <summary>Everything that waits waits shortly, in the proportions of the product's own defaults.</summary>
    private static Dictionary<string, string?> Deadlines(ChaosOptions options) => new()
    {
        ["Payments:RateLimits:SecretPerSecond"] = "100000",
        ["Payments:RateLimits:PublishablePerSecond"] = "100000",
        ["Payments:RateLimits:OperatorPerSecond"] = "100000",
        ["Payments:Connectors:AuthorizeMilliseconds"] = "4000",
        ["Payments:Connectors:ModifyMilliseconds"] = "4000",
        ["Payments:Connectors:TokeniseMilliseconds"] = "4000",
        ["Payments:Connectors:ReadMilliseconds"] = "3000",
        ["Payments:Connectors:SlowMilliseconds"] = "3500",
        ["Payments:Connectors:ProbeIntervalMilliseconds"] = "1500",
        ["Payments:Connectors:RampStepMilliseconds"] = "2000",
        ["Payments:Deadlines:Open"] = "00:00:15",
        ["Payments:Deadlines:Unknown"] = "00:00:01",
        ["Payments:Deadlines:Pending"] = "00:00:05",
        ["Payments:Deadlines:Challenge"] = options.Challenge.ToString("c", CultureInfo.InvariantCulture),
        ["Simulators:OfferMilliseconds"] = "60000",
        ["Payments:Deadlines:MissingSpacing"] = "00:00:08",
        ["Payments:Deadlines:AuthorizationWanted"] = "00:01:00",
        ["Payments:Deadlines:RefundRetry"] = "00:00:05",
        ["Payments:Deadlines:RefundCheck"] = "00:00:10",
        ["Payments:ResolverIntervalMilliseconds"] = "500",
        ["Payments:Listing:IntervalMilliseconds"] = "60000",
        ["Payments:Outbox:MaxRetryDelayMilliseconds"] = "1000",
        ["Payments:Events:HeadsPollMilliseconds"] = "1000",
        ["Payments:Events:MaxRetryDelayMilliseconds"] = "2000",
        ["Payments:Kafka:DeliveryTimeoutMilliseconds"] = "5000",
        ["Payments:Webhooks:TimeoutSeconds"] = "5",
        ["Payments:Webhooks:LeaseSeconds"] = "10",
        ["Payments:Webhooks:PollMilliseconds"] = "500",
        ["Payments:Ledger:ControlSeconds"] = "5",
        ["Payments:Ledger:AuditMinutes"] = "1",
        ["Payments:Reconciliation:MatchSeconds"] = "30",
        ["Payments:Reconciliation:FetchSeconds"] = "5",
        ["Payments:Reconciliation:BookSeconds"] = "5",
        ["Payments:Reconciliation:StatementQuietSeconds"] = "0",
    };

    /// <summary>
    /// Waits until clients have been answered and nothing is under way any more and nothing more happens, for a bounded time. What a provider is
    /// going to take back, a refund that has just succeeded, is under way with it alone.
    /// </summary>
    private static async Task SettleAsync(EvidenceReader reader, Task traffic, TimeSpan limit, Action<string> tell, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var (told, quietSince, events) = (began, began, 0L);
        while (true)
        {
            var unrest = await reader.UnrestAsync(cancellationToken);
            if (await reader.EventsAsync(cancellationToken) is var now && (now != events || unrest.Count > 0 || !traffic.IsCompleted))
            {
                (events, quietSince) = (now, TimeProvider.System.GetTimestamp());
            }
            else if (TimeProvider.System.GetElapsedTime(quietSince) > Quiet)
            {
                tell(string.Create(CultureInfo.InvariantCulture, $"at rest after {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0} s"));
                return;
            }

            if (TimeProvider.System.GetElapsedTime(began) > limit)
            {
                tell($"not at rest in time: {string.Join("; ", unrest.Take(5))}");
                return;
            }

            if (TimeProvider.System.GetElapsedTime(told) > TimeSpan.FromSeconds(15))
            {
                told = TimeProvider.System.GetTimestamp();
                tell($"waiting for rest: {(traffic.IsCompleted ? "" : "clients; ")}{string.Join("; ", unrest.Take(4).Select(u => $"{u.What} {u.Detail}"))}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
        }
    }

    private static async Task ReportAsync(LoadCounts counts, Arsonist arsonist, Action<string> tell, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Client.PauseAsync(15_000, cancellationToken);
            tell($"{counts.Payments} payments, {counts.UnderWay} errands under way, faults so far {arsonist.Counts.Values.Sum()}");
        }
    }

    private static double Draw(Random random)
    {
        lock (random)
        {
            return random.NextDouble();
        }
    }
}

/// <summary>How a run ended.</summary>
public sealed record Outcome(
    Evidence Evidence, IReadOnlyList<Violation> Violations, IReadOnlyDictionary<string, int> ProviderFaults, IReadOnlyDictionary<string, int> Restarts);
