using System.Collections.Concurrent;
using System.Net.Http.Json;

namespace Payments.Chaos.Faults;

/// <summary>Makes the simulated providers misbehave, one small outbreak after the other.</summary>
internal sealed class ProviderFaults(Uri simulators) : IDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(2.5);
    private static readonly string[] Operations = ["authorize", "authorize", "capture", "void", "refund", "read", "tokenize"];
    private static readonly string[] Kinds =
    [
        "timeout_before", "timeout_after", "timeout_after", "drop_before", "drop_after", "drop_after", "429", "500", "500", "503", "malformed", "delay", "unavailable",
        "webhook_lost", "webhook_lost", "webhook_late", "webhook_duplicate", "webhook_reorder",
    ];

    private readonly HttpClient http = new() { BaseAddress = simulators, Timeout = TimeSpan.FromSeconds(20) };
    private readonly ConcurrentDictionary<string, int> counts = new();
    private volatile string? silent;

    /// <summary>Outbreaks by kind; each strikes several calls.</summary>
    public IReadOnlyDictionary<string, int> Counts => counts;

    public async Task RunAsync(TimeSpan duration, int seed, CancellationToken cancellationToken)
    {
        var random = new Random(unchecked(seed * 31));
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < duration)
        {
            var (provider, kind, operation) = (random.Next(2) == 0 ? "stripe" : "adyen", Kinds[random.Next(Kinds.Length)], Operations[random.Next(Operations.Length)]);
            var (count, late, executed) = (1 + random.Next(8), 500 + random.Next(3000), random.Next(2) == 0);
            if (provider == "adyen")
            {
                // What this provider itself guarantees it keeps: every webhook is delivered in the end, for it is the only source of some
                // outcomes, and an error that a modification is answered with is that of an executed one.
                (kind, late) = kind == "webhook_lost" ? ("webhook_late", 10_000 + late) : (kind, late);
                executed |= operation != "authorize";
            }

            await AddAsync(
                kind switch
                {
                    _ when kind.StartsWith("webhook", StringComparison.Ordinal) => new { provider, operation = "webhook", kind, count, delay_ms = late },
                    "delay" => new { provider, operation, kind, count, delay_ms = late },
                    // Hangs as long as a process may take to give up, not longer: the simulator's connections are few.
                    "timeout_before" or "timeout_after" => new { provider, operation, kind, count, delay_ms = 20_000 },
                    "500" => new { provider, operation, kind, count, executed },
                    _ => (object)new { provider, operation, kind, count },
                },
                kind, cancellationToken);
            await Task.Delay(Between, cancellationToken);
        }
    }

    /// <summary>For a while the provider executes every authorization and answers none.</summary>
    public async Task SilenceAsync(string provider, TimeSpan lasts, CancellationToken cancellationToken)
    {
        await ClearAsync(cancellationToken);
        silent = provider;
        await AddAsync(new { provider, operation = "authorize", kind = "timeout_after", delay_ms = 20_000 }, "timeout_after", cancellationToken);
        await Task.Delay(lasts, cancellationToken);
        silent = null;
        await ClearAsync(cancellationToken);
    }

    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        using var answer = await http.DeleteAsync(new Uri("/faults", UriKind.Relative), cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    public void Dispose() => http.Dispose();

    private async Task AddAsync(object fault, string kind, CancellationToken cancellationToken)
    {
        if (silent is not null && kind != "timeout_after" && !kind.StartsWith("webhook", StringComparison.Ordinal))
        {
            return; // its one fault must meet every authorization, before any other does
        }

        using var answer = await http.PostAsJsonAsync("/faults", fault, cancellationToken);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"The simulators refuse a fault of kind {kind}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        }

        counts.AddOrUpdate(kind, 1, (_, n) => n + 1);
    }
}
