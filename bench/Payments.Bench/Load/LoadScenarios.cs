using System.Globalization;

namespace Payments.Bench.Load;

/// <summary>The scenarios that need the whole product.</summary>
internal static class LoadScenarios
{
    public static IEnumerable<Scenario> Of(LoadSettings settings) =>
    [
        Make("sale", "complete sales in closed loops, beside the baseline", (p, stop) => SaleScenario.RunAsync(settings, p, stop)),
        Make("hot-merchant", "the same, all at one merchant, beside sales at all", (p, stop) => MixedScenarios.HotAsync(settings, p, stop)),
        Make("separate", "sales where every service is a process of its own, and where all are one", (p, stop) => SeparateScenario.RunAsync(settings, p, stop)),
        Make("ledger", "the ledger's posting alone, in batches, spread and hot", (p, stop) => LedgerScenario.RunAsync(settings, p, stop)),
        Make("authorize-capture-refund", "authorizations that are captured and refunded by half, in closed loops", (p, stop) => MixedScenarios.LivesAsync(settings, p, stop)),
        Make("idempotent-replay", "sales that are asked for again under their keys, beside new ones", (p, stop) => MixedScenarios.ReplayAsync(settings, p, stop)),
        Make("status-read", "payments that are read, beside new ones", (p, stop) => MixedScenarios.ReadAsync(settings, p, stop)),
        Make("webhooks", "sales where a tenth of the endpoints are dead, beside sales where they are not used", (p, stop) => WebhooksScenario.RunAsync(settings, p, stop)),
        Make("overload", "twice the capacity, without waiting for answers", (p, stop) => OpenScenarios.OverloadAsync(settings, p, stop)),
        Make("latency", "at a fixed rate with providers that take 250 ms: our own share", (p, stop) => OpenScenarios.LatencyAsync(settings, p, stop)),
        Make("cold-start", "from the start of a built tree to the first captured payment", (p, stop) => ColdStartScenario.RunAsync(p, stop)),
        Make("growth", "sales on empty tables, and beside the payments of a month", (p, stop) => GrowthScenario.RunAsync(settings, p, stop)),
        Make("soak", "at a fixed rate for long: memory, lag, times", (p, stop) => SoakScenario.RunAsync(settings, p, stop)),
    ];

    /// <summary>False where there is no such option or the value is not one.</summary>
    public static bool TrySet(LoadSettings settings, string option, string value)
    {
        var isNumber = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number > 0;
        switch (option)
        {
            case "--slice" when isNumber:
                settings.SliceSeconds = (int)Math.Max(1, number);
                return true;
            case "--slices" when isNumber:
                settings.Slices = (int)Math.Max(1, number);
                return true;
            case "--warm-up" when isNumber:
                settings.WarmUpSeconds = (int)number;
                return true;
            case "--minutes" when isNumber:
                settings.Minutes = number;
                return true;
            case "--payments" when isNumber:
                settings.Payments = (long)number;
                return true;
            case "--rate" when isNumber:
                settings.PerSecond = number;
                return true;
            case "--connections":
                var parsed = value.Split(',').Select(v => int.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0).ToArray();
                settings.Connections = parsed;
                return Array.TrueForAll(parsed, n => n is > 0 and <= 4096);
            default:
                return false;
        }
    }

    private static Scenario Make(string name, string description, Func<TextWriter, CancellationToken, Task<IReadOnlyList<Figure>>> run) =>
        new(name, description, (progress, stop) => run(progress, stop).GetAwaiter().GetResult());
}
