using System.Collections.Frozen;
using static Payments.Core.OperationKind;
using static Payments.Core.OperationState;

namespace Payments.Core;

/// <summary>Which state of an operation may follow which. What is not in the table is a contradiction.</summary>
public static class OperationTransitions
{
    private static readonly OperationKind[] All = [Authorize, Capture, OperationKind.Void, Refund];
    private static readonly OperationKind[] Moves = [Capture, Refund];
    private static readonly OperationKind[] Retried = [Refund];

    //  kinds   from     to
    private static readonly FrozenSet<(OperationKind Kind, OperationState From, OperationState To)> Legal = new[]
    {
        On(All,   Open,      Pending),
        On(All,   Open,      Succeeded),
        On(All,   Open,      Failed),
        On(All,   Open,      Unknown),
        On(All,   Unknown,   Pending),
        On(All,   Unknown,   Succeeded),
        On(All,   Unknown,   Failed),
        On(All,   Pending,   Succeeded),
        On(All,   Pending,   Failed),
        On(Moves, Succeeded, Reversed),

        // Another attempt, after the former is proven to have failed.
        On(Retried, Unknown,  Open),
        On(Retried, Pending,  Open),
        On(Retried, Reversed, Open),
    }.SelectMany(row => row).ToFrozenSet();

    public static bool IsLegal(OperationKind kind, OperationState from, OperationState to) => Legal.Contains((kind, from, to));

    /// <summary>Moves an operation on.</summary>
    /// <exception cref="InvariantException">The step is not in the table: a bug of the caller, which had to ask first.</exception>
    internal static Operation To(this Operation operation, OperationState state, DateTimeOffset at)
    {
        Invariant.Holds(IsLegal(operation.Kind, operation.State, state), $"{operation.Kind} may not go from {operation.State} to {state}");
        return operation with { State = state, ChangedAt = at };
    }

    private static IEnumerable<(OperationKind, OperationState, OperationState)> On(OperationKind[] kinds, OperationState from, OperationState to) =>
        kinds.Select(kind => (kind, from, to));
}
