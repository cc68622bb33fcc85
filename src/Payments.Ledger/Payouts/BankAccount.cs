using System.Text.RegularExpressions;

namespace Payments.Ledger.Payouts;

/// <summary>Where a merchant is paid to: personal data, kept sealed, shown by its last four digits only.</summary>
public sealed partial record BankAccount(string Name, string Iban, string Bic)
{
    private const int LongestName = 70;

    public string Last4 => Iban[^4..];

    /// <summary>The member that is not as it must be; null if none.</summary>
    public string? Fault =>
        Name.Length is 0 or > LongestName || Name.Any(char.IsControl) ? "name" : !IsIban(Iban) ? "iban" : !BicForm().IsMatch(Bic) ? "bic" : null;

    /// <summary>ISO 13616: the letters as numbers, the first four characters last, modulo 97 is 1.</summary>
    public static bool IsIban(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!IbanForm().IsMatch(text))
        {
            return false;
        }

        var rest = 0;
        foreach (var character in text[4..] + text[..4])
        {
            var value = char.IsAsciiDigit(character) ? character - '0' : character - 'A' + 10;
            rest = ((rest * (value > 9 ? 100 : 10)) + value) % 97;
        }

        return rest == 1;
    }

    // Not printed by accident: a record prints all its members.
    public override string ToString() => $"bank account …{Last4}";

    [GeneratedRegex("^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$", RegexOptions.NonBacktracking)]
    private static partial Regex IbanForm();

    [GeneratedRegex("^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$", RegexOptions.NonBacktracking)]
    private static partial Regex BicForm();
}
