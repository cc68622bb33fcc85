using Payments.Core;
using static Payments.Core.OperationKind;
using static Payments.Core.OperationState;

namespace Payments.Tests.Flow;

public class OperationTransitionTests
{
    // The rule as a literal table: what is not here is forbidden.
    private static readonly HashSet<(OperationKind, OperationState, OperationState)> Legal =
    [
        (Authorize, Open, Pending), (Authorize, Open, Succeeded), (Authorize, Open, Failed), (Authorize, Open, Unknown),
        (Authorize, Unknown, Pending), (Authorize, Unknown, Succeeded), (Authorize, Unknown, Failed),
        (Authorize, Pending, Succeeded), (Authorize, Pending, Failed),
        (Capture, Open, Pending), (Capture, Open, Succeeded), (Capture, Open, Failed), (Capture, Open, Unknown),
        (Capture, Unknown, Pending), (Capture, Unknown, Succeeded), (Capture, Unknown, Failed),
        (Capture, Pending, Succeeded), (Capture, Pending, Failed), (Capture, Succeeded, Reversed),
        (OperationKind.Void, Open, Pending), (OperationKind.Void, Open, Succeeded), (OperationKind.Void, Open, Failed), (OperationKind.Void, Open, Unknown),
        (OperationKind.Void, Unknown, Pending), (OperationKind.Void, Unknown, Succeeded), (OperationKind.Void, Unknown, Failed),
        (OperationKind.Void, Pending, Succeeded), (OperationKind.Void, Pending, Failed),
        (Refund, Open, Pending), (Refund, Open, Succeeded), (Refund, Open, Failed), (Refund, Open, Unknown),
        (Refund, Unknown, Pending), (Refund, Unknown, Succeeded), (Refund, Unknown, Failed),
        (Refund, Pending, Succeeded), (Refund, Pending, Failed), (Refund, Succeeded, Reversed),
        (Refund, Unknown, Open), (Refund, Pending, Open), (Refund, Reversed, Open),
    ];

    public static TheoryData<OperationKind, OperationState, OperationState> EveryPair()
    {
        var pairs = new TheoryData<OperationKind, OperationState, OperationState>();
        foreach (var kind in Enum.GetValues<OperationKind>())
        {
            foreach (var from in Enum.GetValues<OperationState>())
            {
                foreach (var to in Enum.GetValues<OperationState>())
                {
                    pairs.Add(kind, from, to);
                }
            }
        }

        return pairs;
    }

    [Theory]
    [MemberData(nameof(EveryPair))]
    public void Only_the_listed_transitions_are_legal(OperationKind kind, OperationState from, OperationState to) =>
        Assert.Equal(Legal.Contains((kind, from, to)), OperationTransitions.IsLegal(kind, from, to));
}
