using System.Net;

namespace Payments.Chaos.Processes;

/// <summary>One service (or one replica of it) as its own Program hosts it.</summary>
public sealed class ServiceProcess : FleetProcess
{
    private static readonly HttpClient Health = new() { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Dates have seconds, and an answer takes its time; every step is larger.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(8);

    private readonly string assembly;
    private readonly Dictionary<string, string?> environment;
    private readonly string? clock;

    internal ServiceProcess(string service, string name, Uri address, IReadOnlyDictionary<string, string?> configuration, string directory, string logs, string? clockLibrary, params string[] urls)
        : base(name, directory, logs)
    {
        Service = service;
        Address = address;
        assembly = Path.Combine(AppContext.BaseDirectory, $"Payments.{char.ToUpperInvariant(service[0])}{service[1..]}.dll");
        environment = configuration.ToDictionary(c => c.Key.Replace(":", "__", StringComparison.Ordinal), c => c.Value);
        environment["ASPNETCORE_URLS"] = string.Join(';', urls is [] ? [address.GetLeftPart(UriPartial.Authority)] : urls);
        // As in its image: what is watched for changed settings is the program's own directory, and not the one where the servers write their data.
        environment["ASPNETCORE_CONTENTROOT"] = AppContext.BaseDirectory;
        // Most of these processes die young: code that is compiled quickly beats code that is compiled well, unless whoever measures says otherwise.
        environment.TryAdd("DOTNET_TieredPGO", "0");
        if (clockLibrary is not null)
        {
            clock = Path.Combine(directory, name + ".clock");
            File.WriteAllBytes(clock, new byte[sizeof(long)]);
            environment["LD_PRELOAD"] = clockLibrary;
            environment["FLEET_CLOCK"] = clock;
        }
    }

    /// <summary>As in <see cref="Platform.Names.Services"/>; replicas share it.</summary>
    public string Service { get; }

    public Uri Address { get; }

    /// <summary>Moves the wall clock of this process against everyone else's; its monotonic clock stays untouched.</summary>
    public void SetClock(TimeSpan offset)
    {
        if (clock is null)
        {
            throw new InvalidOperationException($"{Name} was started without a clock that can be moved.");
        }

        // In place: the process has the file mapped.
        using var file = File.OpenHandle(clock, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, BitConverter.GetBytes((long)offset.TotalSeconds), 0);
    }

    /// <summary>Whether this process takes for the time what lies so far from ours; by the date in its answers. False where it does not answer.</summary>
    public async Task<bool> IsAheadByAsync(TimeSpan step, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Health.GetAsync(new Uri(Address, "/alive"), cancellationToken);
            return answer.Headers.Date is { } told && (told - TimeProvider.System.GetUtcNow() - step).Duration() < ClockTolerance;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    private protected override IEnumerable<string> Command => ["dotnet", "exec", assembly];

    private protected override IEnumerable<KeyValuePair<string, string?>> Environ() => environment;

    private protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Health.GetAsync(new Uri(Address, "/alive"), cancellationToken);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
