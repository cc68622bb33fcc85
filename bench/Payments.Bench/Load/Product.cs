using System.Net.Http.Json;

namespace Payments.Bench.Load;

/// <summary>The product with its servers and simulators, in processes and a directory of its own that are gone at the end.</summary>
internal abstract class Product : IAsyncDisposable
{
    public abstract Uri Api { get; }

    public abstract Uri Vault { get; }

    public abstract Uri Simulators { get; }

    public abstract string OperatorKey { get; }

    /// <summary>Services, simulators and broker, however many processes they are: their ids by name.</summary>
    public abstract IReadOnlyDictionary<string, int> Processes { get; }

    public abstract int PostgresId { get; }

    public abstract int RedisId { get; }

    /// <summary>PostgreSQL's data directory.</summary>
    public abstract string PostgresData { get; }

    public abstract string ConnectionString(string database);

    /// <summary>Sets how long the simulated providers take to answer.</summary>
    public async Task SetLatencyAsync(double medianMilliseconds, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using var answer = await http.PutAsJsonAsync(new Uri(Simulators, "/settings"), new { latency_median_milliseconds = medianMilliseconds }, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    public abstract ValueTask DisposeAsync();

    /// <summary>What is set for load: telemetry goes to whoever measures, as OTLP over HTTP, and no merchant is limited.</summary>
    protected static IReadOnlyDictionary<string, string?> Configuration(Uri telemetry) => new Dictionary<string, string?>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = telemetry.GetLeftPart(UriPartial.Authority),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
        ["Payments:RateLimits:SecretPerSecond"] = "1000000",
        ["Payments:RateLimits:PublishablePerSecond"] = "1000000",
    };
}
