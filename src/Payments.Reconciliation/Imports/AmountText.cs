using System.Globalization;
using System.Text.RegularExpressions;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>Amounts as statements write them, into minor units: by digits, never by floating point.</summary>
public static partial class AmountText
{
    private const int MostDigits = 18;

    // Currencies whose minor unit a provider counts otherwise than ISO 4217. In files amounts are in major units and nothing differs; in
    // APIs these are divided or multiplied. None of them is accepted so far, so a provider's minor units are ours.
    private static readonly Dictionary<(string Provider, string Currency), int> Deviations = new()
    {
        [(Book.Adyen, "CLP")] = 2,
        [(Book.Adyen, "CVE")] = 0,
        [(Book.Adyen, "ISK")] = 2,
        [(Book.Adyen, "IDR")] = 0,
    };

    /// <summary>Whether a provider's API counts this currency in the same minor units as ISO 4217.</summary>
    public static bool IsCountedAlike(string provider, string currency) => !Deviations.ContainsKey((provider, currency));

    public static Currency CurrencyOf(string? code, string column) =>
        Currency.TryFind(code?.Trim().ToUpperInvariant(), out var currency) ? currency : throw new UnreadableException(column, "is no currency that is accepted");

    /// <summary>
    /// Major units: a point or a comma before the decimals, the other one, a space or an apostrophe between thousands; a sign before or
    /// behind, or brackets. More decimals than the currency has are only accepted if they are zeros. A lone sign before three digits may be either, and is refused.
    /// </summary>
    public static long Parse(string? text, Currency currency, string column)
    {
        ArgumentNullException.ThrowIfNull(currency);
        var rest = (text ?? "").Trim();
        var negative = false;
        if (rest.StartsWith('(') && rest.EndsWith(')'))
        {
            (negative, rest) = (true, rest[1..^1]);
        }
        else if (rest.StartsWith('-') || rest.StartsWith('+'))
        {
            (negative, rest) = (rest[0] == '-', rest[1..]);
        }
        else if (rest.EndsWith('-'))
        {
            (negative, rest) = (true, rest[..^1]);
        }

        if (currency.Exponent < 3 && TwoWays().IsMatch(rest))
        {
            throw new UnreadableException(column, "may be read in two ways: are the last three digits decimals, or does the sign stand between thousands?");
        }

        var (whole, decimals) = Split(rest, currency, column);
        var amount = Minor(whole, decimals, currency, column);
        return negative ? -amount : amount;
    }

    /// <summary>Major units of formats in which nothing stands between thousands: digits, and behind a point decimals. 1.000 is one.</summary>
    public static long ParsePlain(string text, Currency currency, string column)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(currency);
        return text.Split('.') switch
        {
            [var whole] => Minor(whole, "", currency, column),
            [var whole, var decimals] => Minor(whole, decimals, currency, column),
            _ => throw new UnreadableException(column, "is no amount"),
        };
    }

    /// <summary>An empty cell is zero.</summary>
    public static long ParseOptional(string? text, Currency currency, string column) => string.IsNullOrWhiteSpace(text) ? 0 : Parse(text, currency, column);

    private static long Minor(string whole, string decimals, Currency currency, string column)
    {
        var minor = decimals.TrimEnd('0').PadRight(currency.Exponent, '0');
        if (minor.Length > currency.Exponent)
        {
            throw new UnreadableException(column, $"has more decimals than {currency.Code} has");
        }

        var digits = whole + minor;
        return whole.Length == 0 || digits.Length > MostDigits || !digits.All(char.IsAsciiDigit)
            ? throw new UnreadableException(column, "is no amount")
            : long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static (string Whole, string Decimals) Split(string text, Currency currency, string column)
    {
        var (point, comma) = (text.LastIndexOf('.'), text.LastIndexOf(','));
        var sign = Math.Max(point, comma) switch
        {
            < 0 => '\0',
            var last when point >= 0 && comma >= 0 => text[last],
            var last when text[last] == '.' => '.',
            _ when text.Count(c => c == ',') > 1 => '\0',
            var last when text.Length - last - 1 == 3 && currency.Exponent >= 3 => throw new UnreadableException(column, "may be read in two ways: is the comma before decimals or between thousands?"),
            _ => ',',
        };
        var cut = sign == '\0' ? text.Length : text.LastIndexOf(sign);
        var thousands = sign == '.' ? ',' : sign == ',' ? '.' : ',';
        var (whole, decimals) = (text[..cut], cut < text.Length ? text[(cut + 1)..] : "");
        if (sign != '\0' && whole.Contains(sign, StringComparison.Ordinal))
        {
            throw new UnreadableException(column, "is no amount");
        }

        return (Joined(whole, thousands, column), decimals);
    }

    // Thousands come in groups of three, all by the same sign.
    private static string Joined(string whole, char thousands, string column)
    {
        foreach (var between in new[] { thousands, ' ', '\u00A0', '\u202F', '\'' })
        {
            if (whole.Contains(between, StringComparison.Ordinal))
            {
                var groups = whole.Split(between);
                return groups[0].Length is >= 1 and <= 3 && groups[1..].All(g => g.Length == 3)
                    ? string.Concat(groups)
                    : throw new UnreadableException(column, "is no amount");
            }
        }

        return whole;
    }

    // What may stand before a sign between thousands: one to three digits, the first of them no zero.
    [GeneratedRegex("^[1-9][0-9]{0,2}[.,][0-9]{3}$", RegexOptions.CultureInvariant)]
    private static partial Regex TwoWays();
}
