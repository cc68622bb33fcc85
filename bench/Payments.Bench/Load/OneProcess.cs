using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Payments.AllInOne;
using Payments.AllInOne.Embedded;

namespace Payments.Bench.Load;

/// <summary>All services in one process, as <c>run.sh</c> starts them.</summary>
internal sealed class OneProcess : Product
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly string directory;
    private readonly bool keep;
    private readonly Process process;
    private RunFile? run;

    private OneProcess(string directory, bool keep, Process process)
    {
        this.directory = directory;
        this.keep = keep;
        this.process = process;
    }

    public override Uri Api => new(Run.Api);

    public override Uri Vault => new(Run.Vault);

    public override Uri Simulators => new(Run.Simulators.Base);

    public override string OperatorKey => Run.OperatorKey;

    public override IReadOnlyDictionary<string, int> Processes => new Dictionary<string, int> { ["payments"] = process.Id };

    public override int PostgresId => int.Parse(File.ReadLines(Path.Combine(PostgresData, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    public override int RedisId => int.Parse(File.ReadAllText(Path.Combine(directory, "redis", "redis.pid")).Trim(), CultureInfo.InvariantCulture);

    public override string PostgresData => Path.Combine(directory, "postgres");

    private RunFile Run => run ?? throw new InvalidOperationException("The product is not started.");

    public override string ConnectionString(string database) => Run.ConnectionStrings[database];

    /// <param name="profile">PostgreSQL counts statements.</param>
    /// <param name="keepIn">Where the data stays when the product has ended; null deletes it then.</param>
    public static async Task<Product> StartAsync(Uri telemetry, bool profile, CancellationToken cancellationToken, string? keepIn = null)
    {
        var directory = keepIn ?? Directory.CreateTempSubdirectory("payments-bench-").FullName;
        if (profile)
        {
            await Profile.PrepareAsync(directory, cancellationToken);
        }

        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["exec", Path.Combine(AppContext.BaseDirectory, "Payments.AllInOne.dll"), "--data", directory, "--port", FreePorts().ToString(CultureInfo.InvariantCulture), "--no-demo"])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in Configuration(telemetry))
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        var product = new OneProcess(directory, keepIn is not null, Process.Start(start) ?? throw new InvalidOperationException("The product did not start."));
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

    public override async ValueTask DisposeAsync()
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
        if (!keep && Environment.GetEnvironmentVariable("PAYMENTS_BENCH_KEEP") is null)
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
