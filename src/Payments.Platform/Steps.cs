using System.Diagnostics;

namespace Payments.Platform;

/// <summary>
/// The named steps of a payment's way through the product, in order. Each is announced to whoever listens to the
/// <see cref="DiagnosticListener"/> of the name <see cref="ListenerName"/>; nobody does in production, and a step then costs one
/// read of a field. Tests listen from outside (a startup hook) and end the process at a chosen step.
/// </summary>
public static class Steps
{
    public const string ListenerName = "Payments.Steps";

    /// <summary>A merchant's request is understood; nothing of it is durable.</summary>
    public const string IntentBefore = "intent.before";

    /// <summary>Payment, operation, attempt and idempotency key are durable; no provider was called.</summary>
    public const string IntentAfter = "intent.after";

    public const string CallBefore = "call.before";

    /// <summary>The provider has answered; nobody wrote it down.</summary>
    public const string CallAfter = "call.after";

    public const string OutcomeBefore = "outcome.before";

    /// <summary>State, event and stored answer are durable; nobody was told.</summary>
    public const string OutcomeAfter = "outcome.after";

    /// <summary>The answer is about to leave.</summary>
    public const string AnswerBefore = "answer.before";

    /// <summary>A provider's webhook is verified; it is not durable and not acknowledged.</summary>
    public const string NoticeBefore = "notice.before";

    /// <summary>A provider's webhook is durable; it is neither acknowledged nor applied.</summary>
    public const string NoticeAfter = "notice.after";

    public const string ProduceBefore = "produce.before";

    /// <summary>Kafka has the events; the relay's mark does not say so.</summary>
    public const string ProduceAfter = "produce.after";

    public const string MarkAfter = "mark.after";

    /// <summary>A consumer's transaction is open and holds nothing.</summary>
    public const string ConsumeBefore = "consume.before";

    /// <summary>A consumer's transaction holds its effects and the new checkpoint; it is not committed.</summary>
    public const string ConsumeEffects = "consume.effects";

    public const string ConsumeAfter = "consume.after";

    public const string DeliverBefore = "deliver.before";

    /// <summary>The merchant's endpoint has answered; nobody wrote it down.</summary>
    public const string DeliverAfter = "deliver.after";

    public const string DeliverSettled = "deliver.settled";

    private static readonly DiagnosticListener Listener = new(ListenerName);

    /// <summary>Announces that this process is now at the step.</summary>
    /// <param name="who">Which of several in this process take the same step.</param>
    public static void Reached(string step, string? who = null)
    {
        if (Listener.IsEnabled())
        {
            Listener.Write(step, who);
        }
    }
}
