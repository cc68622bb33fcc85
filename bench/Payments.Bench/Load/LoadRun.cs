using System.Globalization;
using System.Text.Json;
using Payments.Chaos.Load;

namespace Payments.Bench.Load;

/// <summary>What can be chosen on the command line.</summary>
internal sealed record LoadSettings
{
    public int SliceSeconds { get; set; } = 10;

    public int Slices { get; set; } = 5;

    public int WarmUpSeconds { get; set; } = 30;

    public double Minutes { get; set; } = 30;

    public double PerSecond { get; set; } = 500;

    public int Shops { get; set; } = 8;

    public int CardsOfEach { get; set; } = 1_000;

    public int[] Connections { get; set; } = [256, 64, 1];

    /// <summary>How many payments the tables are filled with.</summary>
    public long Payments { get; set; } = 10_000_000;

    /// <summary>Shows which statements take the time.</summary>
    public bool Profile { get; set; }
}

/// <summary>The product under load with everything around it: merchants, receivers, the baseline, the judge.</summary>
internal sealed class LoadRun : IAsyncDisposable
{
    private const int WarmUpConnections = 64;
    private static readonly TimeSpan ComingToRest = TimeSpan.FromMinutes(10);
    private readonly Journal journal;
    private readonly Sink sink;
    private int numbers;

    private LoadRun(LoadSettings settings, TextWriter progress, Journal journal, Sink sink, Product product, IReadOnlyList<BenchShop> shops)
    {
        (Settings, Progress, this.journal, this.sink, Product, Shops) = (settings, progress, journal, sink, product, shops);
        Teller = new(product.Api, journal);
        Integrity = new(product, journal, shops, Began);
        Baseline = new(product.ConnectionString("payments"));
        Profile = settings.Profile ? new(product.ConnectionString("payments")) : null;
    }

    public LoadSettings Settings { get; }

    public TextWriter Progress { get; }

    /// <summary>Every payment of the run is later.</summary>
    public DateTimeOffset Began { get; } = TimeProvider.System.GetUtcNow();

    public Product Product { get; }

    public IReadOnlyList<BenchShop> Shops { get; }

    public Teller Teller { get; }

    public Integrity Integrity { get; }

    public Sink Sink => sink;

    public Baseline Baseline { get; }

    /// <summary>Null where statements are not counted.</summary>
    public Profile? Profile { get; }

    /// <param name="separate">Every service is a process of its own.</param>
    /// <param name="hooks">Where the webhooks of a merchant go, by its place; by default all to the one that keeps them.</param>
    public static async Task<LoadRun> StartAsync(
        LoadSettings settings, TextWriter progress, CancellationToken cancellationToken, bool separate = false, Func<Sink, int, Uri>? hooks = null)
    {
        await progress.WriteLineAsync("  starting the product ...");
        var journal = new Journal();
        var sink = await Sink.StartAsync(journal, cancellationToken);
        Product? product = null;
        try
        {
            product = await (separate ? SeparateProcesses.StartAsync(sink.Address, settings.Profile, cancellationToken) : OneProcess.StartAsync(sink.Address, settings.Profile, cancellationToken));
            await product.SetLatencyAsync(0, cancellationToken);
            await progress.WriteLineAsync("  merchants and cards ...");
            var shops = await BenchShops.OpenAsync(product, shop => hooks?.Invoke(sink, shop) ?? sink.Hooks, settings.Shops, settings.CardsOfEach, cancellationToken);
            return new(settings, progress, journal, sink, product, shops);
        }
        catch (Exception)
        {
            await (product?.DisposeAsync() ?? ValueTask.CompletedTask);
            await sink.DisposeAsync();
            throw;
        }
    }

    /// <param name="separate">Every service is a process of its own.</param>
    public static async Task<LoadRun> StartWarmAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken, bool separate = false)
    {
        var run = await StartAsync(settings, progress, cancellationToken, separate);
        try
        {
            await run.WarmUpAsync(int.MaxValue, cancellationToken);
            return run;
        }
        catch (Exception)
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <param name="shops">At how many merchants.</param>
    public async Task WarmUpAsync(int shops, CancellationToken cancellationToken)
    {
        await Progress.WriteLineAsync("  warming up ...");
        await ClosedLoop.RunAsync(WarmUpConnections, TimeSpan.FromSeconds(Settings.WarmUpSeconds), stop => SellAsync(shops, stop), cancellationToken);
        await Integrity.RestAsync(TimeSpan.FromMinutes(2), Progress, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Teller.Dispose();
        await Product.DisposeAsync();
        await sink.DisposeAsync();
        journal.Dispose();
    }

    /// <summary>The next sale, at any merchant or at one.</summary>
    public Errand NextSale(int shops = int.MaxValue, bool capture = true)
    {
        var number = Interlocked.Increment(ref numbers);
        return Errand.Sale(number, Shops[number % Math.Min(shops, Shops.Count)], capture);
    }

    /// <summary>One complete sale; null, or how it ended instead.</summary>
    public async ValueTask<string?> SellAsync(int shops, CancellationToken cancellationToken)
    {
        var answer = await Teller.AskAsync(NextSale(shops), remember: true, cancellationToken);
        return answer.Status == 201 && answer.Body.AsSpan().IndexOf("\"status\":\"captured\""u8) >= 0 ? null : Ended(answer);
    }

    public static string Ended(WireAnswer answer)
    {
        try
        {
            var body = JsonSerializer.Deserialize<JsonElement>(answer.Body);
            var word = body.TryGetProperty("code", out var code) ? code.GetString() : body.TryGetProperty("status", out var status) ? status.ToString() : "";
            return string.Create(CultureInfo.InvariantCulture, $"{answer.Status} {word}");
        }
        catch (JsonException)
        {
            return answer.Status.ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Waits for rest, then compares every record of what was done; without it no figure leaves this run.</summary>
    public async Task<double> JudgeAsync(CancellationToken cancellationToken)
    {
        await (Profile?.WriteAsync(Progress) ?? Task.CompletedTask);
        await Progress.WriteLineAsync("  coming to rest ...");
        Teller.WriteDown();
        var rest = await Integrity.RestAsync(ComingToRest, Progress, cancellationToken);
        await Progress.WriteLineAsync("  integrity " + await Integrity.JudgeAsync(cancellationToken));
        return rest;
    }

    public double TelemetryMegabytes => sink.TelemetryBytes / 1048576.0;
}
