using Payments.Platform;

namespace Payments.Chaos.KillPoints;

/// <summary>A step at which a process dies while an operation is under way.</summary>
/// <param name="Service">Whose process dies, as in <see cref="Names.Services"/>.</param>
/// <param name="Step">As in <see cref="Steps"/>.</param>
/// <param name="Operation"><c>authorize</c>, <c>capture</c>, <c>void</c> or <c>refund</c>.</param>
/// <param name="Provider">Who carries it out. Adyen tells the outcome of a capture, void or refund only by webhook.</param>
public sealed record KillPoint(string Service, string Step, string Operation, string Provider)
{
    private static readonly string[] Operations = ["authorize", "capture", "void", "refund"];

    // Where a request, a provider's webhook, the relay, a consumer and a delivery can die. The synchronous provider shows every
    // point of a request, the asynchronous one every point of a webhook.
    private static readonly (string Service, string Provider, string[] Steps)[] Paths =
    [
        (Names.Services.Api, "stripe",
            [Steps.IntentBefore, Steps.IntentAfter, Steps.CallBefore, Steps.CallAfter, Steps.OutcomeBefore, Steps.OutcomeAfter, Steps.AnswerBefore]),
        (Names.Services.Api, "adyen", [Steps.NoticeBefore, Steps.NoticeAfter]),
        (Names.Services.Api, "stripe", [Steps.ProduceBefore, Steps.ProduceAfter, Steps.MarkAfter]),
        (Names.Services.Ledger, "stripe", [Steps.ConsumeBefore, Steps.ConsumeEffects, Steps.ConsumeAfter]),
        (Names.Services.Webhooks, "adyen", [Steps.ConsumeBefore, Steps.ConsumeEffects, Steps.ConsumeAfter]),
        (Names.Services.Webhooks, "stripe", [Steps.DeliverBefore, Steps.DeliverAfter, Steps.DeliverSettled]),
    ];

    /// <summary>Every point with every operation.</summary>
    public static IReadOnlyList<KillPoint> All { get; } =
    [
        .. from path in Paths
           from step in path.Steps
           from operation in Operations
           select new KillPoint(path.Service, step, operation, path.Provider),
    ];

    public override string ToString() => $"{Service} at {Step} during {Operation} ({Provider})";
}
