namespace Payments.Ledger.Exchanges;

/// <summary>The named steps of exchanges and revaluations, announced as <see cref="Platform.Steps"/> are: a test breaks off at each of them.</summary>
public static class ExchangeSteps
{
    /// <summary>An exchange is recorded and booked, in the open transaction.</summary>
    public const string ExchangeEffects = "fx.exchange.effects";

    /// <summary>A position is valued and booked, in the open transaction.</summary>
    public const string RevaluationEffects = "fx.revaluation.effects";

    public const string RevaluationAfter = "fx.revaluation.after";

    public static IReadOnlyList<string> All { get; } = [ExchangeEffects, RevaluationEffects, RevaluationAfter];
}
