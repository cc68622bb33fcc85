namespace Payments.Chaos.Faults;

/// <summary>Kinds of faults, as they are counted.</summary>
internal static class FaultKinds
{
    public const string Kill = "kill -9";
    public const string DatabaseCrash = "database crash";
    public const string DiskFull = "disk full";
    public const string RedisStop = "Redis stopped";
    public const string RedisPause = "Redis hung";
    public const string RedisFlush = "Redis emptied";
    public const string BrokerWipe = "broker wiped";
    public const string ClockStep = "clock step";
    public const string Silence = "provider silent for a minute";
}

/// <summary>One thing that goes wrong.</summary>
/// <param name="At">Since the beginning of the faults.</param>
/// <param name="Target">A service, a provider; what it means depends on the kind.</param>
/// <param name="Lasts">How long it stays so, where that is a question.</param>
internal sealed record PlannedFault(TimeSpan At, string Kind, string Target, TimeSpan Lasts, double Draw);

/// <summary>What goes wrong when, drawn from the seed before the run begins.</summary>
internal static class FaultPlan
{
    /// <summary>Shorter runs would be nothing but silence.</summary>
    public static readonly TimeSpan LeastForSilence = TimeSpan.FromMinutes(4);

    private static readonly string[] Killed = ["api-1", "api-2", "ledger", "webhooks", "api-1", "api-2", "vault", "fraud", "ledger", "broker", "reconciliation"];
    private static readonly string[] Clocked = ["api-1", "api-2", "ledger", "webhooks", "vault", "fraud"];

    /// <summary>How often in ten minutes.</summary>
    private static readonly (string Kind, int Times, double Shortest, double Longest)[] Table =
    [
        (FaultKinds.Kill, 28, 0, 0),
        (FaultKinds.DatabaseCrash, 4, 0.2, 2),
        (FaultKinds.DiskFull, 2, 3, 6),
        (FaultKinds.RedisStop, 2, 2, 8),
        (FaultKinds.RedisPause, 2, 2, 6),
        (FaultKinds.RedisFlush, 4, 0, 0),
        (FaultKinds.BrokerWipe, 5, 0, 0),
        (FaultKinds.ClockStep, 6, 8, 25),
    ];

    /// <param name="duration">The time in which faults begin.</param>
    public static IReadOnlyList<PlannedFault> Of(int seed, TimeSpan duration, bool canFillDisk, bool canMoveClocks)
    {
        var random = new Random(seed);
        var plan = new List<PlannedFault>();
        foreach (var (kind, times, shortest, longest) in Table)
        {
            var count = Math.Max(1, (int)Math.Ceiling(times * duration.TotalMinutes / 10));
            for (var i = 0; i < count; i++)
            {
                // One in each slice of the time, anywhere within it.
                var at = duration * ((i + random.NextDouble()) / count);
                var target = kind == FaultKinds.Kill ? Killed[random.Next(Killed.Length)] : kind == FaultKinds.ClockStep ? Clocked[random.Next(Clocked.Length)] : "";
                plan.Add(new PlannedFault(at, kind, target, TimeSpan.FromSeconds(shortest + (random.NextDouble() * (longest - shortest))), random.NextDouble()));
            }
        }

        if (duration >= LeastForSilence)
        {
            plan.Add(new PlannedFault(duration * (0.35 + (random.NextDouble() * 0.15)), FaultKinds.Silence, "stripe", TimeSpan.FromMinutes(1), 0));
        }

        return [.. plan.Where(f => (canFillDisk || f.Kind != FaultKinds.DiskFull) && (canMoveClocks || f.Kind != FaultKinds.ClockStep)).OrderBy(f => f.At)];
    }
}
