using Payments.Platform;

namespace Payments.Chaos.KillPoints;

/// <summary>A step at which a process dies while an operation is under way.</summary>
/// <param name="Service">Whose process dies, as in <see cref="Names.Services"/>.</param>
/// <param name="Step">As in <see cref="Steps"/>.</param>
/// <param name="Operation">
/// <c>authorize</c>, <c>capture</c>, <c>void</c> or <c>refund</c>, which a client asks for; <c>double_charge</c> or <c>orphaned_hold</c>, which
/// nobody asks for.
/// </param>
/// <param name="Provider">Who carries it out. Adyen tells the outcome of a capture, void or refund only by webhook.</param>
/// <param name="Consumer">Which of a service's consumers takes the step; absent where the service has one way to it.</param>
public sealed record KillPoint(string Service, string Step, string Operation, string Provider, string? Consumer = null)
{
    public const string DoubleCharge = "double_charge";
    public const string OrphanedHold = "orphaned_hold";

    private static readonly string[] Operations = ["authorize", "capture", "void", "refund"];

    private static readonly string[] Consuming = [Steps.ConsumeBefore, Steps.ConsumeEffects, Steps.ConsumeAfter];

    // Where a request, a provider's webhook, the relay, each consumer and a delivery can die. The synchronous provider shows every
    // point of a request; the asynchronous one, which cannot be asked what became of a call, the call and every point of a webhook.
    private static readonly (string Service, string? Consumer, string Provider, string[] Steps)[] Paths =
    [
        (Names.Services.Api, null, "stripe",
            [Steps.IntentBefore, Steps.IntentAfter, Steps.CallBefore, Steps.CallAfter, Steps.OutcomeBefore, Steps.OutcomeAfter, Steps.AnswerBefore]),
        (Names.Services.Api, null, "adyen", [Steps.CallBefore, Steps.CallAfter, Steps.NoticeBefore, Steps.NoticeAfter]),
        (Names.Services.Api, null, "stripe", [Steps.ProduceBefore, Steps.ProduceAfter, Steps.MarkAfter]),
        (Names.Services.Ledger, "ledger", "stripe", Consuming),
        (Names.Services.Fraud, "fraud", "stripe", Consuming),
        (Names.Services.Reconciliation, "reconciliation", "stripe", Consuming),
        (Names.Services.Webhooks, "webhooks", "adyen", Consuming),
        (Names.Services.Fraud, "fraud_model", "adyen", Consuming),
        (Names.Services.Webhooks, null, "stripe", [Steps.DeliverBefore, Steps.DeliverAfter, Steps.DeliverSettled]),
    ];

    // A second charge is found (outcome) and undone (call, by the resolver); an orphaned hold is voided (call, by the sweep).
    private static readonly (string Operation, string[] Steps)[] Recovering =
    [
        (DoubleCharge, [Steps.OutcomeBefore, Steps.OutcomeAfter, Steps.CallBefore, Steps.CallAfter]),
        (OrphanedHold, [Steps.CallBefore, Steps.CallAfter]),
    ];

    /// <summary>Every point with every operation.</summary>
    public static IReadOnlyList<KillPoint> All { get; } =
    [
        .. from path in Paths
           from step in path.Steps
           from operation in Operations
           select new KillPoint(path.Service, step, operation, path.Provider, path.Consumer),
        .. from recovery in Recovering
           from step in recovery.Steps
           select new KillPoint(Names.Services.Api, step, recovery.Operation, "stripe"),
    ];

    /// <summary>The product does it of its own accord.</summary>
    public bool IsRecovery => Operation is DoubleCharge or OrphanedHold;

    /// <summary>What a process is told that is to die here.</summary>
    public string Aim => Consumer is null ? Step : $"{Step} {Consumer}";

    /// <summary>Points that one operation visits together: consumers in different processes, each at the same step of the same events.</summary>
    public static IEnumerable<IReadOnlyList<KillPoint>> Together(IEnumerable<KillPoint> points) =>
        points.GroupBy(p => (p.Consumer is null ? p.Service : "", p.Step, p.Operation, p.Provider)).Select(g => g.ToList());

    public override string ToString() => $"{Consumer ?? Service} at {Step} during {Operation} ({Provider})";
}
