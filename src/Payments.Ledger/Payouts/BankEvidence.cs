using System.Security.Cryptography;

namespace Payments.Ledger.Payouts;

/// <summary>What of the bank stands behind a change of a payout, as it is kept with it.</summary>
public static class BankEvidence
{
    /// <summary>An entry of the statement, which reconciliation read.</summary>
    public const string Statement = "statement";

    /// <summary>A pain.002, by its bytes.</summary>
    public static string StatusReport(ReadOnlySpan<byte> document) => "status_report " + Convert.ToHexStringLower(SHA256.HashData(document));
}
