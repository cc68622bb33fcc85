using Payments.Core;

namespace Payments.Tests.Flow;

/// <summary>Whatever is asked, and whatever providers report in whatever order: the books keep their bounds.</summary>
public class ReservationProperties
{
    private const int Lives = 4_000;
    private const int StepsPerLife = 14;
    private readonly PaymentSamples samples = new();

    [Fact]
    public void No_sequence_of_requests_and_facts_breaks_a_reservation_or_loses_a_version()
    {
        // A fixed seed: a failure can be looked at again.
        var random = new Random(20260301);
        var steps = 0;
        for (var life = 0; life < Lives; life++)
        {
            var payment = samples.Opened(1 + random.Next(20_000), random.Next(2) == 0 ? CaptureMethod.Manual : CaptureMethod.Automatic, random.Next(8) == 0);
            for (var step = 0; step < StepsPerLife; step++)
            {
                var next = random.Next(3) == 0 ? Ask(payment, random) : Hear(payment, random);
                if (next is not null)
                {
                    Check(payment, next);
                    payment = next;
                    steps++;
                }
            }
        }

        Assert.True(steps > Lives, "most lives take several steps");
    }

    private PaymentState? Ask(PaymentState payment, Random random)
    {
        long? amount = random.Next(3) == 0 ? null : 1 + random.Next((int)payment.Amount.Minor + 100);
        var limits = new ProviderLimits(random.Next(2) == 0, random.Next(2) == 0, random.Next(2) == 0);
        bool? final = random.Next(3) switch { 0 => true, 1 => false, _ => null };
        return random.Next(4) switch
        {
            0 => Opening.Capture(payment, amount, final, limits, samples.New()),
            1 => Opening.Void(payment, limits, samples.New()),
            2 => Opening.Refund(payment, amount, limits, samples.New()),
            _ => Opening.Expiry(payment, samples.New()),
        } is { Payment: { } opened } ? opened : null;
    }

    private PaymentState? Hear(PaymentState payment, Random random)
    {
        var kinds = Enum.GetValues<OperationKind>();
        var outcomes = Enum.GetValues<FactOutcome>();
        var kind = kinds[random.Next(kinds.Length)];
        var fact = random.Next(4) == 0 && kind != OperationKind.Authorize
            ? samples.Foreign(kind, 1 + random.Next(30_000), $"x{random.Next(6)}")
            : samples.FactOf(payment, kind, outcomes[random.Next(outcomes.Length)], random.Next(2) == 0);
        if (random.Next(6) == 0)
        {
            fact = fact with { Instead = new NewAttempt(samples.New().AttemptId, Provider.Adyen, PaymentSamples.Cost) };
        }

        if (random.Next(3) == 0)
        {
            fact = fact with { ProviderTime = PaymentSamples.Noon.AddMinutes(random.Next(10)) };
        }

        return Applying.Apply(payment, fact) is Application.Applied applied ? applied.Payment : null;
    }

    private static void Check(PaymentState before, PaymentState after)
    {
        var sum = after.Amounts;
        Assert.True(sum.CapturedMinor + sum.CapturePendingMinor + sum.ReleasedMinor + sum.VoidPendingMinor <= sum.AuthorizedMinor, "captures stay within the authorization");
        Assert.True(sum.RefundedMinor + sum.RefundPendingMinor <= sum.CapturedMinor, "refunds stay within captures");
        Assert.True(sum.VoidPendingMinor == 0 || sum.CapturePendingMinor == 0, "a void excludes open captures");
        Assert.InRange(sum.CaptureReversedMinor, 0, sum.CapturedMinor);
        Assert.True(sum is { CapturePendingMinor: >= 0, VoidPendingMinor: >= 0, RefundPendingMinor: >= 0, CaptureExcessMinor: >= 0, RefundExcessMinor: >= 0, ReleasedMinor: >= 0 }, "no sum is negative");
        Assert.True(after.Version > before.Version, "every change has a version");
        Assert.All(after.Operations, o => Assert.True(o.SuspenseMinor == 0 || o.Origin == OperationOrigin.Provider, "only a provider exceeds our books"));
        Assert.All(before.Operations, o => Assert.Contains(after.Operations, later => later.Id == o.Id
            && (later.State == o.State || OperationTransitions.IsLegal(o.Kind, o.State, later.State) || PassesThrough(o, later))));
        Assert.True(Enum.IsDefined(after.Status), "every payment has a status");
    }

    // One fact may bring two steps: a lost authorization that is then cancelled with its void.
    private static bool PassesThrough(Operation before, Operation after) =>
        Enum.GetValues<OperationState>().Any(s => OperationTransitions.IsLegal(before.Kind, before.State, s) && OperationTransitions.IsLegal(before.Kind, s, after.State));
}
