using System.Globalization;
using System.Text.RegularExpressions;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>
/// MT940, the older bank statement. The grammar that is read:
/// <code>
/// file      = { [ "{1:…}{2:…}{4:" ] message [ "-}" [ "{5:…}" ] | "-" ] }
/// message   = :20: reference  [:21:]  :25: account  :28C: number  balance(60F|60M)  { entry }  balance(62F|62M)  [:64:] { :65: } [:86:]
/// entry     = :61: yymmdd [mmdd] (C|D|RC|RD) [letter] amount (N|S|F)xxx reference [ "//" reference ]  [ supplement line ]  [ :86: words, up to 6 lines ]
/// balance   = (C|D) yymmdd currency amount
/// amount    = digits "," [ digits ]
/// </code>
/// The opening balance and the entries must come to the closing one. Entries are posted on their value date unless they have an entry date.
/// </summary>
public static partial class Mt940
{
    public const string Format = "mt940";
    private static readonly string[] NeededTags = ["20", "25", "28C"];

    public static bool Recognizes(string head)
    {
        ArgumentNullException.ThrowIfNull(head);
        return Field().IsMatch(head.TrimStart('\uFEFF', ' ', '\r', '\n').Split('\n')[0]) || (head.Contains(":20:", StringComparison.Ordinal) && head.Contains(":25:", StringComparison.Ordinal));
    }

    public static string IdentityOf(StatementFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var (account, number) = ((string?)null, (string?)null);
        foreach (var (_, tag, text) in Fields(file))
        {
            account ??= tag == "25" ? text : null;
            number ??= tag == "28C" ? text : null;
            if (tag is "60F" or "60M")
            {
                // Sign, date and currency: one account number may hold several currencies.
                return $"{account} {number} {text[..Math.Min(10, text.Length)]}";
            }
        }

        throw new RefusedFileException(1, "the file has no opening balance (:60F:)");
    }

    public static IEnumerable<LineRead> Read(StatementFile file)
    {
        var statement = new Statement();
        (long Number, Match Entry)? pending = null;
        foreach (var (line, tag, text) in Fields(file))
        {
            if (pending is { } entry && tag != "86")
            {
                pending = null;
                yield return statement.Add(entry.Number, entry.Entry, "");
            }

            switch (tag)
            {
                case "61" when EntryPattern().Match(text) is { Success: true } match:
                    pending = (line, match);
                    break;
                case "61":
                    statement.Uncertain = true;
                    yield return LineRead.Rejected(line, ":61:", "is no entry");
                    break;
                case "86" when pending is { } described:
                    pending = null;
                    yield return statement.Add(described.Number, described.Entry, text);
                    break;
                case "60F" or "60M":
                    statement.Open(line, text);
                    break;
                case "62F" or "62M":
                    statement.Close(line, text);
                    break;
                default:
                    statement.Saw(tag);
                    break;
            }
        }

        if (pending is { } last)
        {
            yield return statement.Add(last.Number, last.Entry, "");
        }

        statement.End();
    }

    private static IEnumerable<(long Line, string Tag, string Text)> Fields(StatementFile file)
    {
        using var reader = file.Read();
        var (number, began, tag, text) = (0L, 0L, "", "");
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (Field().Match(line) is { Success: true } field)
            {
                if (tag.Length > 0)
                {
                    yield return (began, tag, text);
                }

                (began, tag, text) = (number, field.Groups[1].Value, field.Groups[2].Value.Trim());
            }
            else if (line.TrimEnd() == "-" || line.StartsWith("-}", StringComparison.Ordinal))
            {
                // The message ends. What stands between it and the next one is the envelope.
                if (tag.Length > 0)
                {
                    yield return (began, tag, text);
                }

                tag = "";
            }
            else if (tag.Length > 0)
            {
                text += "\n" + line.TrimEnd();
            }
        }

        if (tag.Length > 0)
        {
            yield return (began, tag, text);
        }
    }

    private sealed class Statement
    {
        private readonly HashSet<string> seen = [];
        private Currency? currency;
        private long sum;
        private bool isOpen;

        /// <summary>An entry could not be read: then the closing balance cannot come out, and says nothing.</summary>
        public bool Uncertain { get; set; }

        public void Saw(string tag) => seen.Add(tag);

        public void Open(long line, string text)
        {
            if (isOpen)
            {
                throw new RefusedFileException(line, "the statement before has no closing balance (:62F:)");
            }

            if (NeededTags.FirstOrDefault(t => !seen.Contains(t)) is { } missing)
            {
                throw new RefusedFileException(line, $"a statement opens without :{missing}:");
            }

            (currency, sum, isOpen) = (BalanceOf(line, text, out var amount), amount, true);
        }

        public void Close(long line, string text)
        {
            var closing = BalanceOf(line, text, out var amount);
            if (!isOpen || !closing.Equals(currency))
            {
                throw new RefusedFileException(line, "a closing balance has no opening one in its currency");
            }

            if (!Uncertain && amount != sum)
            {
                throw new RefusedFileException(line, $"the entries come to {new Money(sum, closing)}, the closing balance says {new Money(amount, closing)}");
            }

            isOpen = false;
            Uncertain = false;
            seen.Clear();
        }

        public void End()
        {
            if (isOpen || currency is null)
            {
                throw new RefusedFileException(1, "a statement has no closing balance (:62F:)");
            }
        }

        public LineRead Add(long number, Match entry, string words)
        {
            if (currency is null || !isOpen)
            {
                throw new RefusedFileException(number, "an entry stands before the opening balance");
            }

            try
            {
                var amount = AmountText.ParsePlain(entry.Groups["amount"].Value.Replace(',', '.'), currency, ":61:");

                // A reversal of a credit is a debit.
                amount = entry.Groups["sign"].Value is "D" or "RC" ? -amount : amount;
                var day = DayOf(entry.Groups["value"].Value);
                if (entry.Groups["entry"].Value is { Length: 4 } posted)
                {
                    day = PostedOn(day, posted);
                }

                var read = LineRead.Of(BankText.Line(number, currency, amount, day, $"{entry.Groups["rest"].Value} {words.ReplaceLineEndings(" ")}"));
                sum = checked(sum + amount);
                return read;
            }
            catch (OverflowException)
            {
                throw new RefusedFileException(number, "the amounts are too large");
            }
            catch (UnreadableException e)
            {
                Uncertain = true;
                return LineRead.Rejected(number, e.Column, e.Message);
            }
        }

        public static Currency BalanceOf(long line, string text, out long amount)
        {
            try
            {
                var match = BalancePattern().Match(text);
                if (!match.Success)
                {
                    throw new UnreadableException(null, "is no balance");
                }

                var currency = AmountText.CurrencyOf(match.Groups["currency"].Value, "balance");
                amount = AmountText.ParsePlain(match.Groups["amount"].Value.Replace(',', '.'), currency, "balance") * (match.Groups["sign"].Value == "D" ? -1 : 1);
                return currency;
            }
            catch (UnreadableException e)
            {
                throw new RefusedFileException(line, $"the balance {e.Message}");
            }
        }

        private static DateOnly DayOf(string text) =>
            DateOnly.TryParseExact("20" + text, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : throw new UnreadableException(":61:", "has no date");

        // The entry date has no year: it is the one nearest to the value date.
        private static DateOnly PostedOn(DateOnly value, string text)
        {
            foreach (var year in new[] { value.Year, value.Year - 1, value.Year + 1 })
            {
                if (DateOnly.TryParseExact(year.ToString("0000", CultureInfo.InvariantCulture) + text, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
                    && Math.Abs(day.DayNumber - value.DayNumber) <= 183)
                {
                    return day;
                }
            }

            throw new UnreadableException(":61:", "has no entry date");
        }
    }

    [GeneratedRegex(@"^(?:\{.*\})?:([0-9]{2}[A-Z]?):(.*)$", RegexOptions.CultureInvariant)]
    private static partial Regex Field();

    [GeneratedRegex(@"^(?<value>[0-9]{6})(?<entry>[0-9]{4})?(?<sign>RC|RD|C|D)[A-Z]?(?<amount>[0-9]{1,14},[0-9]{0,3})(?<type>[NSF][A-Z0-9]{3})(?<rest>.*)$", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex EntryPattern();

    [GeneratedRegex(@"^(?<sign>[CD])(?<day>[0-9]{6})(?<currency>[A-Z]{3})(?<amount>[0-9]{1,14},[0-9]{0,3})$", RegexOptions.CultureInvariant)]
    private static partial Regex BalancePattern();
}
