using Payments.Core;
using Payments.Simulation.World;

namespace Payments.Simulation.Histories;

/// <summary>One thing that happens: a merchant or customer does something, or something is about to go wrong.</summary>
internal abstract record Act
{
    public sealed record Create(long Amount, CaptureMethod Method, Card Card, Provider First) : Act
    {
        public override string ToString() => $"POST /payments {Amount} {Words.Of(Method)}, card {Card}, {First} first";
    }

    /// <param name="Part">Of a thousand of the payment's amount; null: everything that is left.</param>
    public sealed record Capture(int? Part, bool? Final) : Act
    {
        public override string ToString() => $"POST /capture {PartText(Part)}{(Final is { } final ? final ? ", final" : ", not final" : "")}";
    }

    public sealed record Void : Act
    {
        public override string ToString() => "POST /void";
    }

    /// <param name="Part">Of a thousand of the payment's amount; null: everything that is left.</param>
    public sealed record Refund(int? Part) : Act
    {
        public override string ToString() => $"POST /refunds {PartText(Part)}";
    }

    /// <summary>The merchant sends an earlier request again, with the same key.</summary>
    /// <param name="Back">0: the last one.</param>
    public sealed record Repeat(int Back, bool OtherBody) : Act
    {
        public override string ToString() => $"repeat the {(Back == 0 ? "last" : $"{Back + 1}th last")} request{(OtherBody ? " with another body" : "")}";
    }

    /// <param name="ComesBack">The browser brings the customer back to us.</param>
    public sealed record FinishChallenge(bool IsGood, bool ComesBack) : Act
    {
        public override string ToString() => $"the customer {(IsGood ? "passes" : "fails")} the challenge{(ComesBack ? "" : " and does not come back")}";
    }

    public sealed record Dashboard(OperationKind Kind, int Part) : Act
    {
        public override string ToString() => $"the provider's dashboard: {Words.Of(Kind)} {PartText(Part)}";
    }

    public sealed record Pass(TimeSpan Time) : Act
    {
        public override string ToString() => $"{Time:c} pass";
    }

    /// <param name="After">Steps that it still does.</param>
    public sealed record Kill(Victim Victim, int After) : Act
    {
        public override string ToString() => $"the {Victim} process dies {(After == 0 ? "at its next step" : $"after {After} steps")}";
    }

    public sealed record CallFails(CallFault Fault) : Act
    {
        public override string ToString() => $"the next call to a provider: {Fault}";
    }

    public sealed record CommitFails(CommitFault Fault) : Act
    {
        public override string ToString() => $"the next commit: {Fault}";
    }

    public sealed record NoticeFails(NoticeFault Fault) : Act
    {
        public override string ToString() => $"the provider's next notice: {Fault}";
    }

    public sealed record ReadingsFail(int Count) : Act
    {
        public override string ToString() => $"the provider does not answer the next {Count} readings";
    }

    public sealed record WipeBroker : Act
    {
        public override string ToString() => "the broker is wiped";
    }

    public sealed record LoseMessages(int Count) : Act
    {
        public override string ToString() => $"the broker loses the next {Count} messages";
    }

    public sealed record Redeliver(int Count) : Act
    {
        public override string ToString() => $"the broker gives the last {Count} messages again";
    }

    public sealed record SetClock(TimeSpan Skew) : Act
    {
        public override string ToString() => $"the API's clock is set {Skew:c} off";
    }

    private static string PartText(int? part) => part is { } thousandths ? $"{thousandths} ‰" : "everything left";
}

internal enum Victim
{
    Api,
    Ledger,
    Webhooks,
}

/// <param name="Steps">How many steps all processes do together before the next moment, in no time; null: a quarter of a minute passes.</param>
internal sealed record Moment(Act Act, int? Steps)
{
    public override string ToString() => Steps is { } steps ? $"{Act}   … and only {steps} steps later" : Act.ToString()!;
}

/// <summary>What happens to a payment, or two; everything that a run depends on.</summary>
/// <param name="Schedule">Who goes first where several can; 0: first come, first served.</param>
internal sealed record History(int Schedule, IReadOnlyList<Moment> Moments)
{
    public override string ToString() =>
        $"{(Schedule == 0 ? "first come, first served" : $"order of steps by schedule {Schedule}")}{string.Concat(Moments.Select((m, i) => $"\n  {i + 1}. {m}"))}";
}
