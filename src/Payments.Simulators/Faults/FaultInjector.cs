using Payments.Simulators.Wire;

namespace Payments.Simulators.Faults;

/// <summary>The faults in force. In memory only: a restart clears them.</summary>
public sealed class FaultInjector(Chance chance)
{
    private const int LongestDelayMilliseconds = 10 * 60 * 1000;
    private static readonly FaultKind[] BeforeKinds = [FaultKind.Delay, FaultKind.TimeoutBefore, FaultKind.DropBefore, FaultKind.TooManyRequests, FaultKind.ServiceUnavailable];
    private static readonly FaultKind[] AfterKinds = [FaultKind.TimeoutAfter, FaultKind.DropAfter, FaultKind.ServerError, FaultKind.Malformed];
    private static readonly FaultKind[] WebhookKinds = [FaultKind.WebhookLost, FaultKind.WebhookLate, FaultKind.WebhookDuplicate, FaultKind.WebhookReorder];

    private readonly Lock gate = new();
    private readonly List<Fault> faults = [];
    private readonly Dictionary<FaultKind, long> totals = [];
    private int lastId;

    public IReadOnlyList<Fault> All
    {
        get
        {
            lock (gate)
            {
                return [.. faults];
            }
        }
    }

    /// <summary>How often each kind has struck since the start, whatever was cleared since.</summary>
    public IReadOnlyDictionary<FaultKind, long> Totals
    {
        get
        {
            lock (gate)
            {
                return new Dictionary<FaultKind, long>(totals);
            }
        }
    }

    /// <summary>The fault now in force, or why it cannot be.</summary>
    public (Fault? Fault, string? Problem) Add(FaultRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (ProblemOf(request) is { } problem)
        {
            return (null, problem);
        }

        lock (gate)
        {
            var fault = new Fault(
                $"fault_{++lastId}",
                request.Provider,
                IsWebhook(request.Kind) ? Operations.Webhook : request.Operation,
                request.Kind,
                request.Count,
                request.Probability ?? 1,
                request.DelayMs ?? DefaultDelay(request.Kind),
                request.Executed ?? true,
                Struck: 0);
            faults.Add(fault);
            return (fault, null);
        }
    }

    public void Clear()
    {
        lock (gate)
        {
            faults.Clear();
        }
    }

    public bool IsDown(string provider, string operation) => Strike(provider, operation, [FaultKind.Unavailable]) is not null;

    public Fault? BeforeExecution(string provider, string operation) => Strike(provider, operation, BeforeKinds);

    public Fault? AfterExecution(string provider, string operation) => Strike(provider, operation, AfterKinds);

    public Fault? OnWebhook(string provider) => Strike(provider, Operations.Webhook, WebhookKinds);

    private static bool IsWebhook(FaultKind kind) => Array.IndexOf(WebhookKinds, kind) >= 0;

    private static int DefaultDelay(FaultKind kind) => kind switch
    {
        FaultKind.TimeoutBefore or FaultKind.TimeoutAfter => 120_000,
        FaultKind.Delay => 1_000,
        FaultKind.WebhookLate or FaultKind.WebhookReorder => 5_000,
        _ => 0,
    };

    private static string? ProblemOf(FaultRequest request)
    {
        if (!Providers.IsKnown(request.Provider))
        {
            return "provider must be stripe or adyen.";
        }

        if (!Operations.All.Contains(request.Operation))
        {
            return $"operation must be one of {string.Join(", ", Operations.All)}.";
        }

        if (IsWebhook(request.Kind) != (request.Operation == Operations.Webhook) && !(IsWebhook(request.Kind) && request.Operation == Operations.Any))
        {
            return "webhook kinds go with the operation webhook, and only they.";
        }

        if (request is { Count: not null, Probability: not null })
        {
            return "give count or probability, not both.";
        }

        return request switch
        {
            { Count: < 1 } => "count must be at least 1.",
            { Probability: <= 0 or > 1 or double.NaN } => "probability must be above 0 and at most 1.",
            { DelayMs: < 0 or > LongestDelayMilliseconds } => $"delay_ms must be between 0 and {LongestDelayMilliseconds}.",
            { Executed: not null, Kind: not FaultKind.ServerError } => "executed belongs to the kind 500.",
            _ => null,
        };
    }

    private Fault? Strike(string provider, string operation, FaultKind[] kinds)
    {
        lock (gate)
        {
            for (var i = 0; i < faults.Count; i++)
            {
                var fault = faults[i];
                var isAimed = fault.Provider == provider && (fault.Operation == operation || fault.Operation == Operations.Any) && Array.IndexOf(kinds, fault.Kind) >= 0;
                if (!isAimed || (fault.Probability < 1 && chance.Next() >= fault.Probability))
                {
                    continue;
                }

                totals[fault.Kind] = totals.GetValueOrDefault(fault.Kind) + 1;
                var struck = fault with { Struck = fault.Struck + 1, Remaining = fault.Remaining - 1 };
                if (struck.Remaining == 0)
                {
                    faults.RemoveAt(i);
                }
                else
                {
                    faults[i] = struck;
                }

                return struck;
            }
        }

        return null;
    }
}
