namespace Payments.Simulation.Shell;

/// <summary>The rules that the shell follows; each alternative is a bug, planted to see whether it is found.</summary>
internal sealed record Rules
{
    public static readonly Rules Right = new();

    /// <summary>False: a refund is written down only together with its outcome.</summary>
    public bool ReservesBeforeTheCall { get; init; } = true;

    /// <summary>False: a call without an answer counts as refused.</summary>
    public bool TimeoutIsUnknown { get; init; } = true;

    /// <summary>False: a consumer commits its position in a transaction before that of the effects.</summary>
    public bool PositionMovesWithEffects { get; init; } = true;
}
