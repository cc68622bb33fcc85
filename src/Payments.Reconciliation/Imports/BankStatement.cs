using System.Text.RegularExpressions;

namespace Payments.Reconciliation.Imports;

/// <summary>
/// A statement with entries, as its balances place it: two that share a balance tell of the same time, whatever they are called and in whatever
/// format. One without entries tells nothing twice and is left out.
/// </summary>
/// <param name="Account">As <see cref="AccountOf"/> makes it.</param>
public sealed partial record BankStatement(string Account, string Currency, DateOnly OpenedOn, long Opening, DateOnly ClosedOn, long Closing)
{
    /// <summary>The account by letters and digits alone; of an IBAN what the bank itself calls it, because MT940 often says only that.</summary>
    public static string AccountOf(string text, string currency)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.ToUpperInvariant().Split('/', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts is [var bank, var number] && GermanBank().IsMatch(bank) && GermanAccount().Match(number) is { Success: true } german)
        {
            return bank + german.Groups[1].Value.PadLeft(10, '0');
        }

        foreach (var part in parts)
        {
            if (Iban().Match(Plain(part)) is { Success: true } iban && (iban.Groups[2].Value.Length == 0 || iban.Groups[2].Value == currency))
            {
                return iban.Groups[1].Value;
            }
        }

        return Plain(text);
    }

    private static string Plain(string text) => string.Concat(text.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();

    [GeneratedRegex("^[0-9]{8}$", RegexOptions.CultureInvariant)]
    private static partial Regex GermanBank();

    [GeneratedRegex("^([0-9]{1,10})(?:[A-Z]{3})?$", RegexOptions.CultureInvariant)]
    private static partial Regex GermanAccount();

    // The currency of the account may stand behind it.
    [GeneratedRegex("^[A-Z]{2}[0-9]{2}([A-Z0-9]{7,30}?)((?<=[0-9])[A-Z]{3})?$", RegexOptions.CultureInvariant)]
    private static partial Regex Iban();
}
