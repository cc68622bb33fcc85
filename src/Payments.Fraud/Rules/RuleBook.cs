using System.Net;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Lists;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Rules;

/// <summary>An active version, compiled.</summary>
internal sealed record ActiveRule(RuleExpression Condition, RuleAction Action, string Reason);

/// <summary>An entry as it is compared.</summary>
/// <param name="Merchant">Null: of the platform, for all.</param>
internal sealed record ListedValue(Mode Mode, Guid? Merchant, ListAction Action, ListKind Kind, string Value);

/// <summary>Everything that was active at one revision, in memory. Immutable.</summary>
internal sealed class RuleBook
{
    private readonly Dictionary<(Mode Mode, ListKind Kind, string Value), (Guid? Merchant, ListAction Action)[]> listed;
    private readonly Dictionary<(Mode Mode, Guid? Merchant), (IPNetwork Network, ListAction Action)[]> ranges;
    private readonly Dictionary<(Mode Mode, Guid? Merchant), ActiveRule[]> rules;

    public RuleBook(long revision, IEnumerable<(Mode Mode, Guid? Merchant, ActiveRule Rule)> rules, IEnumerable<ListedValue> entries)
    {
        Revision = revision;
        var all = entries.ToArray();
        this.rules = rules.GroupBy(r => (r.Mode, r.Merchant)).ToDictionary(g => g.Key, g => g.Select(r => r.Rule).ToArray());
        listed = all.Where(e => e.Kind != ListKind.IpRange).GroupBy(e => (e.Mode, e.Kind, e.Value)).ToDictionary(g => g.Key, g => g.Select(e => (e.Merchant, e.Action)).ToArray());
        ranges = all.Where(e => e.Kind == ListKind.IpRange).GroupBy(e => (e.Mode, e.Merchant)).ToDictionary(g => g.Key, g => g.Select(e => (IPNetwork.Parse(e.Value), e.Action)).ToArray());
    }

    public long Revision { get; }

    /// <summary>Whether the answer to "has this card bought here before" may change what the rules say.</summary>
    public bool DependsOnFirstPurchase(FraudRequest request, PaymentFacts facts) => RulesOf(request).Any(r => r.Condition.DependsOnFirstPurchase(facts));

    /// <summary>Lists first, in the order of their kinds, then the platform's rules, then the merchant's.</summary>
    public IReadOnlyList<RuleHit> Judge(FraudRequest request, EntityKeys keys, PaymentFacts facts)
    {
        List<RuleHit>? hits = null;
        foreach (var (kind, value) in ListKinds.Of(request, keys))
        {
            foreach (var (merchant, action) in listed.GetValueOrDefault((request.Mode, kind, value), []))
            {
                if (merchant is null || merchant == request.MerchantId.Value)
                {
                    (hits ??= []).Add(Hit(action, kind));
                }
            }
        }

        if (ranges.Count > 0 && request.Context?.Ip is { } ip && IPAddress.TryParse(ip, out var address))
        {
            foreach (var (network, action) in RangesOf(request))
            {
                if (network.Contains(address))
                {
                    (hits ??= []).Add(Hit(action, ListKind.IpRange));
                }
            }
        }

        foreach (var rule in RulesOf(request))
        {
            if (rule.Condition.Matches(facts))
            {
                (hits ??= []).Add(new RuleHit(HitSource.Rule, rule.Action, rule.Reason));
            }
        }

        return hits ?? (IReadOnlyList<RuleHit>)[];
    }

    private static RuleHit Hit(ListAction action, ListKind kind) => action == ListAction.Block
        ? new RuleHit(HitSource.List, RuleAction.Reject, "blocklisted_" + ListKinds.WordOf(kind))
        : new RuleHit(HitSource.List, RuleAction.Allow, "allowlisted_" + ListKinds.WordOf(kind));

    private IEnumerable<ActiveRule> RulesOf(FraudRequest request) =>
        rules.GetValueOrDefault((request.Mode, null), []).Concat(rules.GetValueOrDefault((request.Mode, request.MerchantId.Value), []));

    private IEnumerable<(IPNetwork Network, ListAction Action)> RangesOf(FraudRequest request) =>
        ranges.GetValueOrDefault((request.Mode, null), []).Concat(ranges.GetValueOrDefault((request.Mode, request.MerchantId.Value), []));
}
