using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.AllInOne;
using Payments.AllInOne.Embedded;

namespace Payments.Bench.Load;

/// <summary>The product as <c>run.sh</c> starts it, as a process of its own in a directory of its own, both gone at the end.</summary>
internal sealed class Product : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly string directory;
    private readonly Process process;
    private RunFile? run;

    private Product(string directory, Process process)
    {
        this.directory = directory;
        this.process = process;
    }

    public RunFile Run => run ?? throw new InvalidOperationException("The product is not started.");

    public Uri Api => new(Run.Api);

    public int ProcessId => process.Id;

    public int PostgresId => int.Parse(File.ReadLines(Path.Combine(directory, "postgres", "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    public int RedisId => int.Parse(File.ReadAllText(Path.Combine(directory, "redis", "redis.pid")).Trim(), CultureInfo.InvariantCulture);

    /// <param name="telemetry">Where telemetry is sent, as OTLP over HTTP.</param>
    /// <param name="profile">PostgreSQL counts statements.</param>
    public static async Task<Product> StartAsync(Uri telemetry, bool demo, bool profile, CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("payments-bench-").FullName;
        if (profile)
        {
            await Profile.PrepareAsync(directory, cancellationToken);
        }

        var port = FreePorts();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments = ["exec", Path.Combine(AppContext.BaseDirectory, "Payments.AllInOne.dll"), "--data", directory, "--port", port.ToString(CultureInfo.InvariantCulture), .. demo ? (string[])[] : ["--no-demo"]];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = telemetry.GetLeftPart(UriPartial.Authority);
        start.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        start.Environment["Payments__RateLimits__SecretPerSecond"] = "1000000";
        start.Environment["Payments__RateLimits__PublishablePerSecond"] = "1000000";
        var product = new Product(directory, Process.Start(start) ?? throw new InvalidOperationException("The product did not start."));
        try
        {
            await product.WaitAsync(cancellationToken);
            return product;
        }
        catch (Exception)
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sets how long the simulated providers take to answer.</summary>
    public async Task SetLatencyAsync(double medianMilliseconds, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using var answer = await http.PutAsJsonAsync(new Uri(Run.Simulators.Base + "/settings"), new { latency_median_milliseconds = medianMilliseconds }, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            Posix.Signal(process.Id, Posix.SigTerm);
            try
            {
                await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));
            }
            catch (TimeoutException)
            {
                process.Kill();
                await PostgresServer.StopLeftBehindAsync(directory, CancellationToken.None);
                await RedisServer.StopLeftBehindAsync(directory, CancellationToken.None);
            }
        }

        process.Dispose();
        if (Environment.GetEnvironmentVariable("PAYMENTS_BENCH_KEEP") is null)
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        _ = process.StandardError.ReadToEndAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("READY", StringComparison.Ordinal))
            {
                _ = process.StandardOutput.ReadToEndAsync(cancellationToken);
                run = JsonSerializer.Deserialize<RunFile>(await File.ReadAllTextAsync(RunFile.PathIn(directory), cancellationToken), Format);
                return;
            }
        }

        throw new InvalidOperationException("The product ended at its start.");
    }

    private static int FreePorts()
    {
        const int lowest = 10_240;
        const int ephemeral = 32_000;
        const int count = 20;
        var random = new Random(Environment.ProcessId);
        while (true)
        {
            var first = random.Next(lowest, ephemeral - count);
            if (Enumerable.Range(first, count).All(FreePort.IsFree))
            {
                return first;
            }
        }
    }
}
