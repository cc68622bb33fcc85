using FsCheck;
using FsCheck.Fluent;
using Payments.Core;
using Payments.Simulation.World;

namespace Payments.Simulation.Histories;

/// <summary>How histories are made up and made shorter.</summary>
internal static class Generator
{
    private const int LongestHistory = 14;

    public static Arbitrary<History> Histories { get; } = Arb.From(History(), Shorter);

    private static Gen<History> History() =>
        from schedule in Gen.Frequency((1, Gen.Constant(0)), (3, Gen.Choose(1, 1_000_000)))
        from first in Gen.Frequency((3, Moments(Create())), (1, Moments(Acts())))
        from length in Gen.Choose(0, LongestHistory)
        from rest in Gen.ArrayOf(Moments(Acts()), length)
        select new History(schedule, [first, .. rest]);

    private static Gen<Moment> Moments(Gen<Act> acts) =>
        from act in acts
        from steps in Gen.Frequency((3, Gen.Constant((int?)null)), (2, Gen.Choose(0, 14).Select(s => (int?)s)))
        select new Moment(act, act is Act.Pass ? null : steps);

    private static Gen<Act> Acts() => Gen.Frequency<Act>(
        (3, Create()),
        (5, from part in Part() from final in Gen.Elements<bool?>(null, null, true, false) select (Act)new Act.Capture(part, final)),
        (2, Gen.Constant((Act)new Act.Void())),
        (5, from part in Part() select (Act)new Act.Refund(part)),
        (4, from back in Gen.Choose(0, 3) from other in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true))) select (Act)new Act.Repeat(back, other)),
        (1, from good in Gen.Elements(true, true, false) from back in Gen.Elements(true, false) select (Act)new Act.FinishChallenge(good, back)),
        (1, from kind in Gen.Elements(OperationKind.Capture, OperationKind.Void, OperationKind.Refund, OperationKind.Refund) from part in Gen.Choose(100, 1000) select (Act)new Act.Dashboard(kind, part)),
        (3, from time in Gen.Elements(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(11), TimeSpan.FromHours(2), TimeSpan.FromHours(25)) select (Act)new Act.Pass(time)),
        (4, from victim in Gen.Elements(Victim.Api, Victim.Api, Victim.Api, Victim.Ledger, Victim.Webhooks) from after in Gen.Choose(0, 25) select (Act)new Act.Kill(victim, after)),
        (4, from fault in Gen.Elements(Enum.GetValues<CallFault>()) select (Act)new Act.CallFails(fault)),
        (2, from fault in Gen.Elements(Enum.GetValues<CommitFault>()) select (Act)new Act.CommitFails(fault)),
        (2, from fault in Gen.Elements(Enum.GetValues<NoticeFault>()) select (Act)new Act.NoticeFails(fault)),
        (1, from count in Gen.Choose(1, 3) select (Act)new Act.ReadingsFail(count)),
        (1, Gen.Constant((Act)new Act.WipeBroker())),
        (1, from count in Gen.Choose(1, 3) select (Act)new Act.LoseMessages(count)),
        (1, from count in Gen.Choose(1, 5) select (Act)new Act.Redeliver(count)),
        (1, from minutes in Gen.Elements(-180, -5, 5, 180) select (Act)new Act.SetClock(TimeSpan.FromMinutes(minutes))));

    private static Gen<Act> Create() =>
        from amount in Gen.Choose(10, 200)
        from capture in Gen.Elements(CaptureMethod.Automatic, CaptureMethod.Manual)
        from card in Gen.Frequency((8, Gen.Constant(Card.Good)), (6, Gen.Elements(Enum.GetValues<Card>())))
        from provider in Gen.Elements(Provider.Stripe, Provider.Adyen)
        select (Act)new Act.Create(amount * 100L, capture, card, provider);

    private static Gen<int?> Part() => Gen.Frequency((1, Gen.Constant((int?)null)), (2, Gen.Choose(1, 11).Select(tenths => (int?)(tenths * 100))));

    /// <summary>Fewer moments first, then each made plainer.</summary>
    private static IEnumerable<History> Shorter(History history)
    {
        var moments = history.Moments;
        for (var length = moments.Count / 2; length >= 1; length /= 2)
        {
            for (var from = 0; from + length <= moments.Count; from += length)
            {
                yield return history with { Moments = [.. moments.Take(from), .. moments.Skip(from + length)] };
            }
        }

        if (history.Schedule != 0)
        {
            yield return history with { Schedule = 0 };
        }

        for (var i = 0; i < moments.Count; i++)
        {
            foreach (var plainer in Plainer(moments[i]))
            {
                yield return history with { Moments = [.. moments.Take(i), plainer, .. moments.Skip(i + 1)] };
            }
        }
    }

    private static IEnumerable<Moment> Plainer(Moment moment)
    {
        if (moment.Steps is { } steps)
        {
            yield return moment with { Steps = null };
            if (steps > 0)
            {
                yield return moment with { Steps = steps - 1 };
            }
        }

        foreach (var act in Plainer(moment.Act))
        {
            yield return moment with { Act = act };
        }
    }

    private static IEnumerable<Act> Plainer(Act act)
    {
        switch (act)
        {
            case Act.Create create:
                if (create.Amount != 1_000)
                {
                    yield return create with { Amount = 1_000 };
                }

                if (create.Card != Card.Good)
                {
                    yield return create with { Card = Card.Good };
                }

                if (create.First != Provider.Stripe)
                {
                    yield return create with { First = Provider.Stripe };
                }

                if (create.Method != CaptureMethod.Automatic)
                {
                    yield return create with { Method = CaptureMethod.Automatic };
                }

                break;
            case Act.Capture { Part: not null } capture:
                yield return capture with { Part = null };
                break;
            case Act.Capture { Final: not null } capture:
                yield return capture with { Final = null };
                break;
            case Act.Refund { Part: not null } refund:
                yield return refund with { Part = null };
                break;
            case Act.Kill { After: > 0 } kill:
                yield return kill with { After = 0 };
                yield return kill with { After = kill.After / 2 };
                yield return kill with { After = kill.After - 1 };
                break;
            case Act.CallFails { Fault: CallFault.ErrorAfter }:
                yield return new Act.CallFails(CallFault.TimeoutAfter);
                break;
            case Act.CallFails { Fault: CallFault.ErrorBefore }:
                yield return new Act.CallFails(CallFault.TimeoutBefore);
                break;
            case Act.Repeat { Back: > 0 } repeat:
                yield return repeat with { Back = repeat.Back - 1 };
                break;
            case Act.Repeat { OtherBody: true } repeat:
                yield return repeat with { OtherBody = false };
                break;
            default:
                break;
        }
    }
}
