namespace Payments.AllInOne;

/// <summary>How the whole product is run in one process.</summary>
public sealed record AllInOneOptions
{
    /// <summary>Keeps every server's data, the secrets and the logs; made where it does not exist.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The API's port, the others by the table in <see cref="Platform.Ports"/>; null gives each a free port.</summary>
    public int? BasePort { get; init; }

    /// <summary>Median answering time of the simulated providers.</summary>
    public double SimulatorLatencyMilliseconds { get; init; } = 250;

    /// <summary>Connection strings of servers to use instead of embedded ones, by name (see <see cref="Platform.Names"/>).</summary>
    public IReadOnlyDictionary<string, string> ExternalConnections { get; init; } = new Dictionary<string, string>();

    /// <summary>Configuration for every service, over everything that the host sets itself.</summary>
    public IReadOnlyDictionary<string, string?> Configuration { get; init; } = new Dictionary<string, string?>();

    /// <summary>The clock of every service; null is the machine's own. Databases keep theirs.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>The Aspire CLI, where its dashboard is to be started; null starts none.</summary>
    public string? AspireCli { get; init; }

    /// <summary>Told what is being done, in a few words, as it begins.</summary>
    public Action<string> Progress { get; init; } = _ => { };
}
