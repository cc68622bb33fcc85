namespace Payments.Reconciliation.Imports;

/// <summary>A kind of statement: how it is recognised, what a file of it calls itself, and how it is read.</summary>
public sealed record StatementFormat(string Name, Func<string, bool> Recognizes, Func<StatementFile, string> IdentityOf, Func<StatementFile, IEnumerable<LineRead>> Read)
{
    private const int LongestIdentity = 500;

    /// <summary>The statements of an account in a file that was read; none: it is a provider's.</summary>
    public Func<StatementFile, IEnumerable<BankStatement>> StatementsIn { get; init; } = _ => [];

    public static IReadOnlyList<StatementFormat> All { get; } =
    [
        new(StripePayoutReport.Format, StripePayoutReport.Recognizes, StripePayoutReport.IdentityOf, StripePayoutReport.Read),
        new(StripeBalanceTransactions.Format, StripeBalanceTransactions.Recognizes, StripeBalanceTransactions.IdentityOf, StripeBalanceTransactions.Read),
        new(AdyenSettlementReport.Format, AdyenSettlementReport.Recognizes, AdyenSettlementReport.IdentityOf, AdyenSettlementReport.Read),
        new(Camt053.Format, Camt053.Recognizes, Camt053.IdentityOf, Camt053.Read) { StatementsIn = Camt053.StatementsIn },
        new(Mt940.Format, Mt940.Recognizes, Mt940.IdentityOf, Mt940.Read) { StatementsIn = Mt940.StatementsIn },
    ];

    /// <summary>What the file calls itself, as it can be kept.</summary>
    /// <exception cref="RefusedFileException">It cannot.</exception>
    public string NameIn(StatementFile file) =>
        IdentityOf(file) is var identity && identity.Length <= LongestIdentity && !identity.Contains('\0', StringComparison.Ordinal)
            ? identity
            : throw new RefusedFileException(1, "what the file calls itself is no text that can be kept");

    /// <exception cref="RefusedFileException">It is none that is known.</exception>
    public static StatementFormat Of(StatementFile file, string? named)
    {
        ArgumentNullException.ThrowIfNull(file);
        var head = file.Head();
        return All.FirstOrDefault(f => named is null ? f.Recognizes(head) : f.Name == named)
            ?? throw new RefusedFileException(1, named is null ? "the file is no statement that is known" : $"there is no format '{named}'");
    }
}
