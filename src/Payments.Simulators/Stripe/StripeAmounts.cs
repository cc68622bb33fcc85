using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Amounts and currencies that Stripe takes.</summary>
public static class StripeAmounts
{
    private const long Largest = 99_999_999;

    private static readonly Dictionary<string, long> Smallest = new()
    {
        ["usd"] = 50,
        ["eur"] = 50,
        ["gbp"] = 30,
        ["aud"] = 50,
        ["cad"] = 50,
        ["chf"] = 50,
        ["nzd"] = 50,
        ["sgd"] = 50,
        ["jpy"] = 50,
        ["brl"] = 50,
        ["dkk"] = 250,
        ["nok"] = 300,
        ["sek"] = 300,
        ["pln"] = 200,
        ["czk"] = 1500,
        ["hkd"] = 400,
        ["mxn"] = 1000,
        ["aed"] = 200,
        ["inr"] = 50,
    };

    /// <summary>Currencies without a stated smallest amount.</summary>
    private static readonly HashSet<string> Others =
    [
        "afn", "all", "amd", "ang", "ars", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bhd", "bif", "bmd", "bnd", "bob", "bsd", "bwp", "byn", "bzd", "cdf", "clp", "cny",
        "cop", "crc", "cve", "djf", "dop", "dzd", "egp", "etb", "fjd", "fkp", "gel", "gip", "gmd", "gnf", "gtq", "gyd", "hnl", "htg", "huf", "idr", "ils", "isk", "jmd",
        "jod", "kes", "kgs", "khr", "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd", "mmk", "mnt", "mop", "mur", "mvr",
        "mwk", "myr", "mzn", "nad", "ngn", "nio", "npr", "omr", "pab", "pen", "pgk", "php", "pkr", "pyg", "qar", "ron", "rsd", "rub", "rwf", "sar", "sbd", "scr", "shp",
        "sle", "sos", "srd", "std", "szl", "thb", "tjs", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "uyu", "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof",
        "xpf", "yer", "zar", "zmw",
    ];

    public static Answer? Refuse(StripeParameters p, bool isRequired)
    {
        ArgumentNullException.ThrowIfNull(p);
        if (isRequired && p.Text("amount") is null)
        {
            return StripeError.Missing("amount");
        }

        if (isRequired && p.Text("currency") is null)
        {
            return StripeError.Missing("currency");
        }

        var currency = p.Text("currency")?.ToLowerInvariant();
        if (currency is not null && !Smallest.ContainsKey(currency) && !Others.Contains(currency))
        {
            return StripeError.Invalid($"Invalid currency: {currency}.", "currency");
        }

        if (p.IsBadNumber("amount"))
        {
            return StripeError.Invalid($"Invalid integer: {p.Text("amount")}", "amount", "parameter_invalid_integer");
        }

        return p.Number("amount") switch
        {
            null => null,
            < 1 => StripeError.Invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"),
            > Largest => StripeError.Invalid("Amount must be no more than 999,999.99.", "amount", "amount_too_large"),
            { } amount when currency is not null && amount < Smallest.GetValueOrDefault(currency) =>
                StripeError.Invalid($"Amount must be at least {Smallest[currency]} {currency} in its smallest unit.", "amount", "amount_too_small"),
            _ => null,
        };
    }
}
