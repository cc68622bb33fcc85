namespace Payments.Fraud.Rules;

/// <summary>What a rule or a list entry asks for.</summary>
internal enum RuleAction
{
    Allow,
    Challenge,
    Review,
    Reject,
}

/// <summary>Where a hit comes from; lists and rules have different weight.</summary>
internal enum HitSource
{
    Rule,
    List,
}

/// <summary>A rule or list entry that matched.</summary>
/// <param name="Reason">Its factor in the decision.</param>
internal readonly record struct RuleHit(HitSource Source, RuleAction Action, string Reason);
