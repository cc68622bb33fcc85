using System.Collections.Frozen;
using System.Collections.Immutable;
using Payments.Core.Seams;

namespace Payments.Fraud.Features;

/// <summary>What a request itself tells of its circumstances, as numbers; NaN is what it does not tell.</summary>
public static class Told
{
    private static readonly FrozenDictionary<string, float> Methods = Codes("card", "apple_pay", "google_pay", "bank_transfer", "bnpl");
    private static readonly FrozenDictionary<string, float> Brands = Codes("visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay");
    private static readonly FrozenDictionary<string, float> Fundings = Codes("credit", "debit", "prepaid");

    private static readonly FrozenSet<string> FreeMail = FrozenSet.ToFrozenSet(
        [
            "gmail.com", "googlemail.com", "yahoo.com", "hotmail.com", "outlook.com", "live.com", "msn.com", "icloud.com", "me.com", "aol.com",
            "gmx.com", "gmx.de", "gmx.net", "web.de", "mail.com", "mail.ru", "yandex.ru", "proton.me", "protonmail.com", "qq.com", "163.com",
        ],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>In the order of <see cref="Of"/>. Equalities are 1 or 0.</summary>
    public static ImmutableArray<Feature> Features { get; } =
    [
        new("method", "payment_method", "card 0, Apple Pay 1, Google Pay 2, bank transfer 3, buy now pay later 4"),
        new("card_brand", "card_type", "Visa 0, Mastercard 1, American Express 2, Discover 3, Diners 4, JCB 5, UnionPay 6"),
        new("card_funding", "card_type", "credit 0, debit 1, prepaid 2"),
        new("card_country_is_ip_country", "country_mismatch", "the card's country is the IP address's"),
        new("card_country_is_billing_country", "country_mismatch", "the card's country is the billing address's"),
        new("card_country_is_shipping_country", "country_mismatch", "the card's country is the shipping address's"),
        new("ip_country_is_billing_country", "country_mismatch", "the IP address's country is the billing address's"),
        new("ip_country_is_shipping_country", "country_mismatch", "the IP address's country is the shipping address's"),
        new("billing_country_is_shipping_country", "address_mismatch", "both addresses are in one country"),
        new("billing_postcode_is_shipping_postcode", "address_mismatch", "both addresses have one postal code"),
        new("countries", "country_mismatch", "different countries of card, IP address and addresses"),
        new("session_minutes", "short_session", "minutes that the customer had been in the shop"),
        new("account_age_days", "new_account", "days since the customer's account at the merchant was made"),
        new("email_is_free", "email_address", "the e-mail address is of a free provider"),
        new("email_name_length", "email_address", "characters before the @"),
        new("email_digit_share", "email_address", "share of digits among them"),
        new("user_agent_length", "device", "characters of the browser's name"),
        new("context_members", "missing_context", "how many members of risk_context were told, of 8"),
        new("amount_is_round", "high_amount", "the amount is a whole multiple of ten major units"),
    ];

    /// <param name="ipCountry">ISO 3166 alpha-2 of the IP address, null if unknown.</param>
    /// <param name="at">The moment of the decision.</param>
    public static float[] Of(FraudRequest request, string? ipCountry, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(request);
        var context = request.Context;
        var (card, billing, shipping) = (request.CardCountry, context?.BillingAddress?.Country, context?.ShippingAddress?.Country);
        var sign = context?.Email?.LastIndexOf('@') ?? -1;
        var name = sign < 0 ? null : context!.Email![..sign];
        return
        [
            Code(Methods, request.Method),
            Code(Brands, request.CardBrand),
            Code(Fundings, request.CardFunding),
            Same(card, ipCountry),
            Same(card, billing),
            Same(card, shipping),
            Same(ipCountry, billing),
            Same(ipCountry, shipping),
            Same(billing, shipping),
            Same(context?.BillingAddress?.PostalCode, context?.ShippingAddress?.PostalCode),
            Different(card, ipCountry, billing, shipping),
            context?.SessionSeconds is { } seconds ? seconds / 60f : float.NaN,
            context?.AccountCreatedAt is { } created ? (float)Math.Max(0, (at - created).TotalDays) : float.NaN,
            sign < 0 ? float.NaN : FreeMail.Contains(context!.Email![(sign + 1)..]) ? 1 : 0,
            name is null ? float.NaN : name.Length,
            string.IsNullOrEmpty(name) ? float.NaN : (float)name.Count(char.IsAsciiDigit) / name.Length,
            context?.UserAgent is { } agent ? agent.Length : float.NaN,
            context is null ? 0 : Members(context),
            Round(request),
        ];
    }

    private static FrozenDictionary<string, float> Codes(params string[] words) =>
        words.Select((word, i) => (word, i)).ToFrozenDictionary(w => w.word, w => (float)w.i, StringComparer.OrdinalIgnoreCase);

    private static float Code(FrozenDictionary<string, float> codes, string? word) =>
        word is not null && codes.TryGetValue(word, out var code) ? code : float.NaN;

    private static float Same(string? one, string? other) =>
        string.IsNullOrEmpty(one) || string.IsNullOrEmpty(other) ? float.NaN : string.Equals(one, other, StringComparison.OrdinalIgnoreCase) ? 1 : 0;

    private static float Different(params ReadOnlySpan<string?> countries)
    {
        var count = 0;
        for (var i = 0; i < countries.Length; i++)
        {
            count += !string.IsNullOrEmpty(countries[i]) && !Before(countries[..i], countries[i]!) ? 1 : 0;
        }

        return count == 0 ? float.NaN : count;

        static bool Before(ReadOnlySpan<string?> earlier, string country)
        {
            foreach (var other in earlier)
            {
                if (string.Equals(other, country, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }

            return false;
        }
    }

    private static float Round(FraudRequest request)
    {
        if (!Payments.Core.Currency.TryFind(request.Currency, out var currency))
        {
            return float.NaN;
        }

        var tenMajor = 10L;
        for (var digit = 0; digit < currency.Exponent; digit++)
        {
            tenMajor *= 10;
        }

        return request.AmountMinor % tenMajor == 0 ? 1 : 0;
    }

    private static int Members(RiskContext context) =>
        (context.Ip is null ? 0 : 1) + (context.UserAgent is null ? 0 : 1) + (context.DeviceId is null ? 0 : 1) + (context.Email is null ? 0 : 1)
        + (context.BillingAddress is null ? 0 : 1) + (context.ShippingAddress is null ? 0 : 1) + (context.SessionSeconds is null ? 0 : 1)
        + (context.AccountCreatedAt is null ? 0 : 1);
}
