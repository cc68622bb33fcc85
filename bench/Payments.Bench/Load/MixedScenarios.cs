using System.Collections.Concurrent;
using System.Text.Json;

namespace Payments.Bench.Load;

/// <summary>Other things that merchants do, beside sales in the same run, since their promises are ratios to those.</summary>
internal static class MixedScenarios
{
    private const int Many = 256;
    private const double TimesSale = 4;
    private const double TimesSaleFloor = 3;

    /// <summary>One life after the other: authorized, captured, refunded by half. A life is three requests.</summary>
    public static async Task<IReadOnlyList<Figure>> LivesAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartWarmAsync(settings, progress, cancellationToken);
        var lives = new Series("lives at 256");
        for (var i = 0; i < settings.Slices; i++)
        {
            await lives.MeasureAsync(run, () => Loop(settings, stop => LiveAsync(run, stop), cancellationToken), cancellationToken);
        }

        await run.JudgeAsync(cancellationToken);
        return [.. lives.Figures(), new("requests at 256", 3 * lives.PerSecond, "per second"), .. lives.Consumed.Per("life", lives.Calls), new("life commits", lives.Consumed.Commits / lives.Calls, "")];
    }

    /// <summary>Sales at one merchant alone, in turns with sales at all.</summary>
    public static async Task<IReadOnlyList<Figure>> HotAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartWarmAsync(settings, progress, cancellationToken);
        var (all, one) = (new Series("all merchants at 256"), new Series("one merchant at 256"));
        for (var i = 0; i < settings.Slices; i++)
        {
            foreach (var (series, shops) in ((Series, int)[])[(all, int.MaxValue), (one, 1)])
            {
                await series.MeasureAsync(run, () => Loop(settings, stop => run.SellAsync(shops, stop), cancellationToken), cancellationToken);
            }
        }

        await run.JudgeAsync(cancellationToken);
        return
        [
            .. all.Figures(), .. one.Figures(), new("one merchant / all", one.PerSecond / all.PerSecond, "x") { AtLeast = 0.9, Floor = 0.8 },
            .. one.Consumed.Per(one.Name, one.Calls),
        ];
    }

    public static async Task<IReadOnlyList<Figure>> ReplayAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartWarmAsync(settings, progress, cancellationToken);
        var known = new ConcurrentBag<(Errand Errand, byte[] Body)>();
        return await BesideSalesAsync(
            run, "replays", known, (errand, answer) => (Errand: errand, answer.Body),
            async (one, stop) =>
            {
                var answer = await run.Teller.AskAsync(one.Errand, remember: false, stop);
                return answer is { Status: 201, Replayed: true } && answer.Body.AsSpan().SequenceEqual(one.Body) ? null : "another answer: " + LoadRun.Ended(answer);
            },
            cancellationToken);
    }

    public static async Task<IReadOnlyList<Figure>> ReadAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartWarmAsync(settings, progress, cancellationToken);
        var known = new ConcurrentBag<Errand>();
        return await BesideSalesAsync(
            run, "reads", known, (errand, answer) => Errand.Read(errand.Number, errand.Shop, IdOf(answer)),
            async (errand, stop) =>
            {
                var answer = await run.Teller.AskAsync(errand, remember: false, stop);
                return answer.Status == 200 && answer.Body.AsSpan().IndexOf("\"status\":\"captured\""u8) >= 0 ? null : "another answer: " + LoadRun.Ended(answer);
            },
            cancellationToken);
    }

    /// <param name="known">What can be asked about: filled by the sales of this run.</param>
    private static async Task<IReadOnlyList<Figure>> BesideSalesAsync<T>(
        LoadRun run, string name, ConcurrentBag<T> known, Func<Errand, WireAnswer, T> keep, Func<T, CancellationToken, ValueTask<string?>> ask, CancellationToken cancellationToken)
    {
        var (sales, asks) = (new Series("sales at 256"), new Series(name + " at 256"));
        for (var i = 0; i < run.Settings.Slices; i++)
        {
            await sales.MeasureAsync(run, () => Loop(run.Settings, SellAsync, cancellationToken), cancellationToken);
            var all = known.ToArray();
            var next = 0;
            await asks.MeasureAsync(run, () => Loop(run.Settings, stop => ask(all[(Interlocked.Increment(ref next) & int.MaxValue) % all.Length], stop), cancellationToken), cancellationToken);
        }

        await run.JudgeAsync(cancellationToken);
        return
        [
            .. sales.Figures(), .. asks.Figures(), new($"{name} / sales", asks.PerSecond / sales.PerSecond, "x") { AtLeast = TimesSale, Floor = TimesSaleFloor },
            .. asks.Consumed.Per(name, asks.Calls),
        ];

        async ValueTask<string?> SellAsync(CancellationToken stop)
        {
            var errand = run.NextSale();
            var answer = await run.Teller.AskAsync(errand, remember: true, stop);
            if (answer.Status != 201 || answer.Body.AsSpan().IndexOf("\"status\":\"captured\""u8) < 0)
            {
                return LoadRun.Ended(answer);
            }

            known.Add(keep(errand, answer));
            return null;
        }
    }

    private static async ValueTask<string?> LiveAsync(LoadRun run, CancellationToken cancellationToken)
    {
        var sale = run.NextSale(capture: false);
        var authorized = await run.Teller.AskAsync(sale, remember: true, cancellationToken);
        if (authorized.Status != 201 || authorized.Body.AsSpan().IndexOf("\"status\":\"authorized\""u8) < 0)
        {
            return "authorize " + LoadRun.Ended(authorized);
        }

        var payment = IdOf(authorized);
        var captured = await run.Teller.AskAsync(Errand.Capture(sale, payment), remember: true, cancellationToken);
        if (captured.Status != 200)
        {
            return "capture " + LoadRun.Ended(captured);
        }

        var refunded = await run.Teller.AskAsync(Errand.Refund(sale, payment), remember: true, cancellationToken);
        return refunded.Status == 201 ? null : "refund " + LoadRun.Ended(refunded);
    }

    private static string IdOf(WireAnswer answer) => JsonSerializer.Deserialize<JsonElement>(answer.Body).GetProperty("id").GetString()!;

    private static Task<Slice> Loop(LoadSettings settings, Func<CancellationToken, ValueTask<string?>> call, CancellationToken cancellationToken) =>
        ClosedLoop.RunAsync(Many, TimeSpan.FromSeconds(settings.SliceSeconds), call, cancellationToken);
}
