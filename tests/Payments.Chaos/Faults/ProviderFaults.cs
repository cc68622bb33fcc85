using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;

namespace Payments.Chaos.Faults;

/// <summary>Makes the simulated providers misbehave, one small outbreak after the other.</summary>
internal sealed class ProviderFaults(Uri simulators) : IDisposable
{
    // As the simulators name them.
    public const string TimeoutBefore = "timeout_before";
    public const string TimeoutAfter = "timeout_after";
    public const string DropBefore = "drop_before";
    public const string DropAfter = "drop_after";
    public const string WebhookLate = "webhook_late";
    public const string WebhookDuplicate = "webhook_duplicate";
    public const string WebhookReorder = "webhook_reorder";

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(2.5);
    private static readonly string[] Operations = ["authorize", "authorize", "capture", "void", "refund", "read", "tokenize"];
    private static readonly string[] Kinds =
    [
        TimeoutBefore, TimeoutAfter, TimeoutAfter, DropBefore, DropAfter, DropAfter, "429", "500", "500", "503", "malformed", "delay", "unavailable",
        "webhook_lost", "webhook_lost", WebhookLate, WebhookDuplicate, WebhookReorder,
    ];

    private readonly HttpClient http = new() { BaseAddress = simulators, Timeout = TimeSpan.FromMinutes(2) };
    private readonly ConcurrentDictionary<string, int> counts = new();
    private volatile string? silent;

    /// <summary>Outbreaks by kind; each strikes several calls.</summary>
    public IReadOnlyDictionary<string, int> Counts => counts;

    /// <summary>Kinds without end, shuffled round by round: none is left out for long.</summary>
    public static IEnumerable<string> Drawn(Random random)
    {
        while (true)
        {
            var round = Kinds.ToArray();
            random.Shuffle(round);
            foreach (var kind in round)
            {
                yield return kind;
            }
        }
    }

    /// <summary>How often each kind has really struck a call or a webhook.</summary>
    public async Task<IReadOnlyDictionary<string, int>> StruckAsync(CancellationToken cancellationToken)
    {
        var told = await http.GetFromJsonAsync<JsonElement>(new Uri("/faults", UriKind.Relative), cancellationToken);
        return told.GetProperty("struck").EnumerateObject().ToDictionary(k => k.Name, k => k.Value.GetInt32());
    }

    public async Task RunAsync(TimeSpan duration, int seed, CancellationToken cancellationToken)
    {
        var random = new Random(unchecked(seed * 31));
        using var kinds = Drawn(new Random(unchecked((seed * 31) + 1))).GetEnumerator();
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < duration)
        {
            kinds.MoveNext();
            var (provider, kind, operation) = (random.Next(2) == 0 ? "stripe" : "adyen", kinds.Current, Operations[random.Next(Operations.Length)]);
            var (count, late, executed) = (1 + random.Next(8), 500 + random.Next(3000), random.Next(2) == 0);
            if (provider == "adyen")
            {
                // What this provider itself guarantees it keeps: every webhook is delivered in the end, for it is the only source of some
                // outcomes, and an error that a modification is answered with is that of an executed one.
                (kind, late) = kind == "webhook_lost" ? (WebhookLate, 10_000 + late) : (kind, late);
                executed |= operation != "authorize";
            }

            await AddAsync(
                kind switch
                {
                    _ when kind.StartsWith("webhook", StringComparison.Ordinal) => new { provider, operation = "webhook", kind, count, delay_ms = late },
                    "delay" => new { provider, operation, kind, count, delay_ms = late },
                    // Hangs as long as a process may take to give up, not longer: the simulator's connections are few.
                    TimeoutBefore or TimeoutAfter => new { provider, operation, kind, count, delay_ms = 20_000 },
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
        await AddAsync(new { provider, operation = "authorize", kind = TimeoutAfter, delay_ms = 20_000 }, TimeoutAfter, cancellationToken);
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
        if (silent is not null && kind != TimeoutAfter && !kind.StartsWith("webhook", StringComparison.Ordinal))
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
