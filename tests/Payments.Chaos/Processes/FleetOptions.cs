namespace Payments.Chaos.Processes;

/// <summary>How the product is run as separate processes.</summary>
public sealed record FleetOptions
{
    /// <summary>Every server's data; made where it does not exist, removed with everything in it when the fleet ends.</summary>
    public required string Directory { get; init; }

    /// <summary>Where every process writes its log; stays when the fleet ends. By default <c>logs</c> in the directory.</summary>
    public string? Logs { get; init; }

    public int ApiReplicas { get; init; } = 1;

    /// <summary>PostgreSQL's data lies on a disk of its own of this size (a tmpfs, which only root can mount), so that it can be filled.</summary>
    public int? DiskMegabytes { get; init; }

    /// <summary>What <see cref="Processes.ClockLibrary"/> built, where the clock of each service is to be movable while it runs.</summary>
    public string? ClockLibrary { get; init; }

    /// <summary>Median answering time of the simulated providers.</summary>
    public double SimulatorLatencyMilliseconds { get; init; }

    /// <summary>Configuration of every service, over what the fleet sets itself.</summary>
    public IReadOnlyDictionary<string, string?> Configuration { get; init; } = new Dictionary<string, string?>();

    /// <summary>Settings of PostgreSQL.</summary>
    public IReadOnlyDictionary<string, string> PostgresSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Told what is being started.</summary>
    public Action<string> Progress { get; init; } = _ => { };
}
