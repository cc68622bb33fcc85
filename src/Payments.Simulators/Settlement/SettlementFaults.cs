namespace Payments.Simulators.Settlement;

/// <summary>What is wrong with a line of a report.</summary>
internal enum SettlementFaultKind
{
    Missing,
    Extra,
    Duplicated,
    AmountAltered,
    FeeAltered,
    Rounded,
    NextDay,
    Exchanged,
}

/// <summary>A fault of the next reports: it strikes the lines of one payment or movement.</summary>
/// <param name="Reference">The provider's reference of the payment or of the movement. An extra line is made of the one it names.</param>
/// <param name="By">Minor units that an altered amount or fee grows by.</param>
/// <param name="Currency">What an exchanged line is paid out in, at <paramref name="Rate"/>.</param>
internal sealed record SettlementFault(string Provider, SettlementFaultKind Kind, string Reference, long By = 1, string? Currency = null, decimal? Rate = null);

/// <summary>The faults in force. Reports made twice have the same ones, as a provider's mistakes do.</summary>
public sealed class SettlementFaults
{
    private readonly Lock gate = new();
    private readonly List<SettlementFault> faults = [];

    internal void Add(SettlementFault fault)
    {
        lock (gate)
        {
            faults.Add(fault);
        }
    }

    internal void Clear()
    {
        lock (gate)
        {
            faults.Clear();
        }
    }

    internal IReadOnlyList<SettlementFault> All()
    {
        lock (gate)
        {
            return [.. faults];
        }
    }

    internal IReadOnlyList<SettledMovement> Strike(string provider, IReadOnlyList<SettledMovement> lines)
    {
        var struck = lines;
        foreach (var fault in All().Where(f => f.Provider == provider))
        {
            struck = [.. struck.SelectMany(line => line.Payment == fault.Reference || line.Reference == fault.Reference ? Struck(line, fault) : [line])];
        }

        return struck;
    }

    private static SettledMovement[] Struck(SettledMovement line, SettlementFault fault) => fault.Kind switch
    {
        SettlementFaultKind.Missing => [],
        SettlementFaultKind.Extra => [line, line with { Transaction = line.Transaction + "x", Payment = line.Payment + "x", Reference = line.Reference + "x" }],
        SettlementFaultKind.Duplicated => [line, line with { Transaction = line.Transaction + "d" }],
        SettlementFaultKind.AmountAltered => [line with { Amount = line.Amount + fault.By }],
        SettlementFaultKind.FeeAltered => [line with { Fee = line.Fee + fault.By }],
        SettlementFaultKind.Rounded => [line with { Fee = line.Fee + 1 }],
        SettlementFaultKind.NextDay => [line with { At = line.At.AddDays(1) }],
        _ => [line with { PaidOutIn = Core.Currency.Of(fault.Currency ?? "USD"), Rate = fault.Rate ?? 1m }],
    };
}
