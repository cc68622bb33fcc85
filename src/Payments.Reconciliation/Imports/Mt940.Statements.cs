using System.Globalization;

namespace Payments.Reconciliation.Imports;

public static partial class Mt940
{
    /// <summary>The statements of a file that was read before, and so is known to be well-formed.</summary>
    public static IEnumerable<BankStatement> StatementsIn(StatementFile file)
    {
        var (account, opening, entries) = ("", "", 0L);
        foreach (var (line, tag, text) in Fields(file))
        {
            switch (tag)
            {
                case "25":
                    account = text;
                    break;
                case "60F" or "60M":
                    (opening, entries) = (text, 0);
                    break;
                case "61":
                    entries++;
                    break;
                case "62F" or "62M" when entries > 0:
                    var currency = Statement.BalanceOf(line, text, out var closed);
                    Statement.BalanceOf(line, opening, out var opened);
                    yield return new(BankStatement.AccountOf(account, currency.Code), currency.Code, DayOfBalance(line, opening), opened, DayOfBalance(line, text), closed);
                    break;
                default:
                    break;
            }
        }
    }

    private static DateOnly DayOfBalance(long line, string balance) =>
        DateOnly.TryParseExact("20" + BalancePattern().Match(balance).Groups["day"].Value, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new RefusedFileException(line, "the balance has no date");
}
