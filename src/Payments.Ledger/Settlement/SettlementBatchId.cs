using Payments.Core;

namespace Payments.Ledger.Settlement;

/// <summary>A merchant's settlement in one currency at one cut-off.</summary>
public readonly record struct SettlementBatchId(Guid Value) : IId<SettlementBatchId>
{
    public static string Prefix => "stl";

    public static SettlementBatchId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}
