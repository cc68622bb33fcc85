using System.Globalization;

namespace Payments.Simulators.Cards;

/// <summary>A number that means something.</summary>
public sealed record TestCard(string Number, string Brand, string Country, string Funding, string Behaviour, string? StripeName = null);

/// <summary>
/// The test cards: published numbers that belong to nobody. One table for both providers, so a card that is refused at one is
/// refused alike at the other. Deviations from the vendors: attaching a card to a Stripe customer does not verify it (the vendor
/// refuses most declining cards there, which would hide their declines behind tokenisation), and four numbers of our own:
/// one makes a capture fail later, one makes the first refund fail later for a reason that passes, one is refused without authentication
/// whatever is claimed, and one Dutch card is challenged on request.
/// </summary>
public static class TestCards
{
    private static readonly TestCard[] Rows =
    [
        // Brands
        new("4242424242424242", "visa", "US", "credit", "succeeds", "pm_card_visa"),
        new("4111111111111111", "visa", "NL", "credit", "succeeds"),
        new("4444333322221111", "visa", "GB", "credit", "succeeds"),
        new("4012888888881881", "visa", "US", "credit", "succeeds"),
        new("4000056655665556", "visa", "US", "debit", "succeeds", "pm_card_visa_debit"),
        new("5555555555554444", "mastercard", "US", "credit", "succeeds", "pm_card_mastercard"),
        new("5454545454545454", "mastercard", "US", "credit", "succeeds"),
        new("2223003122003222", "mastercard", "US", "credit", "succeeds"),
        new("5200828282828210", "mastercard", "US", "debit", "succeeds", "pm_card_mastercard_debit"),
        new("5105105105105100", "mastercard", "US", "prepaid", "succeeds", "pm_card_mastercard_prepaid"),
        new("378282246310005", "amex", "US", "credit", "succeeds", "pm_card_amex"),
        new("371449635398431", "amex", "US", "credit", "succeeds"),
        new("370000000000002", "amex", "NL", "credit", "succeeds"),
        new("6011111111111117", "discover", "US", "credit", "succeeds", "pm_card_discover"),
        new("6011000990139424", "discover", "US", "credit", "succeeds"),
        new("6011981111111113", "discover", "US", "debit", "succeeds"),
        new("3056930009020004", "diners", "US", "credit", "succeeds", "pm_card_diners"),
        new("36227206271667", "diners", "US", "credit", "succeeds"),
        new("3566002020360505", "jcb", "JP", "credit", "succeeds", "pm_card_jcb"),
        new("6200000000000005", "unionpay", "CN", "credit", "succeeds", "pm_card_unionpay"),

        // Countries
        new("4000000320000021", "visa", "AR", "credit", "succeeds", "pm_card_ar"),
        new("4000000760000002", "visa", "BR", "credit", "succeeds", "pm_card_br"),
        new("4000001240000000", "visa", "CA", "credit", "succeeds", "pm_card_ca"),
        new("4000001520000001", "visa", "CL", "credit", "succeeds", "pm_card_cl"),
        new("4000001700000003", "visa", "CO", "credit", "succeeds", "pm_card_co"),
        new("4000004840008001", "visa", "MX", "credit", "succeeds", "pm_card_mx"),
        new("4000007840000001", "visa", "AE", "credit", "succeeds", "pm_card_ae"),
        new("4000000400000008", "visa", "AT", "credit", "succeeds", "pm_card_at"),
        new("4000000560000004", "visa", "BE", "credit", "succeeds", "pm_card_be"),
        new("4000002030000002", "visa", "CZ", "credit", "succeeds", "pm_card_cz"),
        new("4000002080000001", "visa", "DK", "credit", "succeeds", "pm_card_dk"),
        new("4000002460000001", "visa", "FI", "credit", "succeeds", "pm_card_fi"),
        new("4000002500000003", "visa", "FR", "credit", "succeeds", "pm_card_fr"),
        new("4000002760000016", "visa", "DE", "credit", "succeeds", "pm_card_de"),
        new("4000003000000030", "visa", "GR", "credit", "succeeds", "pm_card_gr"),
        new("4000003720000005", "visa", "IE", "credit", "succeeds", "pm_card_ie"),
        new("4000003800000008", "visa", "IT", "credit", "succeeds", "pm_card_it"),
        new("4000004420000006", "visa", "LU", "credit", "succeeds", "pm_card_lu"),
        new("4000005280000002", "visa", "NL", "credit", "succeeds", "pm_card_nl"),
        new("4000005780000007", "visa", "NO", "credit", "succeeds", "pm_card_no"),
        new("4000006160000005", "visa", "PL", "credit", "succeeds", "pm_card_pl"),
        new("4000006200000007", "visa", "PT", "credit", "succeeds", "pm_card_pt"),
        new("4000007240000007", "visa", "ES", "credit", "succeeds", "pm_card_es"),
        new("4000007520000008", "visa", "SE", "credit", "succeeds", "pm_card_se"),
        new("4000007560000009", "visa", "CH", "credit", "succeeds", "pm_card_ch"),
        new("4000008260000000", "visa", "GB", "credit", "succeeds", "pm_card_gb"),
        new("4000058260000005", "visa", "GB", "debit", "succeeds", "pm_card_gb_debit"),
        new("4000000360000006", "visa", "AU", "credit", "succeeds", "pm_card_au"),
        new("4000001560000002", "visa", "CN", "credit", "succeeds", "pm_card_cn"),
        new("4000003440000004", "visa", "HK", "credit", "succeeds", "pm_card_hk"),
        new("4000003560000008", "visa", "IN", "credit", "succeeds", "pm_card_in"),
        new("4000003920000003", "visa", "JP", "credit", "succeeds", "pm_card_jp"),
        new("4000005540000008", "visa", "NZ", "credit", "succeeds", "pm_card_nz"),
        new("4000007020000003", "visa", "SG", "credit", "succeeds", "pm_card_sg"),

        // Declines
        new("4000000000000002", "visa", "US", "credit", "generic_decline", "pm_card_chargeDeclined"),
        new("4000000000000341", "visa", "US", "credit", "generic_decline", "pm_card_chargeCustomerFail"),
        new("4000000000009995", "visa", "US", "credit", "insufficient_funds", "pm_card_chargeDeclinedInsufficientFunds"),
        new("4000000000009987", "visa", "US", "credit", "lost_card", "pm_card_chargeDeclinedLostCard"),
        new("4000000000009979", "visa", "US", "credit", "stolen_card", "pm_card_chargeDeclinedStolenCard"),
        new("4000000000000069", "visa", "US", "credit", "expired_card", "pm_card_chargeDeclinedExpiredCard"),
        new("4000000000000127", "visa", "US", "credit", "incorrect_cvc", "pm_card_chargeDeclinedIncorrectCvc"),
        new("4000000000000119", "visa", "US", "credit", "processing_error", "pm_card_chargeDeclinedProcessingError"),
        new("4000000000006975", "visa", "US", "credit", "card_velocity_exceeded", "pm_card_chargeDeclinedVelocityLimitExceeded"),
        new("4100000000000019", "visa", "US", "credit", "fraud_blocked", "pm_card_radarBlock"),

        // 3-D Secure
        new("4000002500003155", "visa", "US", "credit", "authentication_unless_set_up", "pm_card_authenticationRequiredOnSetup"),
        new("4000002760003184", "visa", "US", "credit", "authentication_always", "pm_card_authenticationRequired"),
        new("4000000000003220", "visa", "US", "credit", "authentication_always", "pm_card_threeDSecure2Required"),
        new("4000000000003063", "visa", "US", "credit", "authentication_always", "pm_card_threeDSecureRequired"),
        new("4000008400001629", "visa", "US", "credit", "authentication_then_decline", "pm_card_threeDSecureRequiredChargeDeclined"),
        new("4000008260003178", "visa", "US", "credit", "authentication_then_insufficient_funds", "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"),
        new("4000000000003055", "visa", "US", "credit", "authentication_on_request", "pm_card_threeDSecureOptional"),
        new("4212345678901237", "visa", "NL", "credit", "authentication_always"),
        new("4917610000000000", "visa", "NL", "credit", "authentication_always"),
        new("5201281505129736", "mastercard", "NL", "credit", "authentication_always"),

        new("4000000000003097", "visa", "US", "credit", "authentication_unavailable"),
        new("4000005280000028", "visa", "NL", "credit", "authentication_insists"),
        new("4000005280000036", "visa", "NL", "credit", "authentication_on_request"),

        // Afterwards
        new("4000000000005126", "visa", "US", "credit", "refund_fails_later", "pm_card_refundFail"),
        new("4000000000007726", "visa", "US", "credit", "refund_pending_then_succeeds", "pm_card_pendingRefund"),
        new("4000000000000259", "visa", "US", "credit", "dispute_fraudulent", "pm_card_createDispute"),
        new("4000000000002685", "visa", "US", "credit", "dispute_product_not_received", "pm_card_createDisputeProductNotReceived"),
        new("4000000000008625", "visa", "US", "credit", "refund_fails_once"),
        new("4000000000008617", "visa", "US", "credit", "capture_fails_later"),
    ];

    private static readonly Dictionary<string, TestCard> ByNumber = Rows.ToDictionary(c => c.Number);
    private static readonly Dictionary<string, TestCard> ByStripeName = Rows.Where(c => c.StripeName is not null).ToDictionary(c => c.StripeName!);

    /// <summary>
    /// Besides single numbers, some prefixes stand for any number of distinct cards, which load generators and velocity rules need: good
    /// ones of two brands, good ones of each country that has a row (400000 and the country's number), and two kinds of declined ones.
    /// </summary>
    private static readonly (string Prefix, TestCard Like)[] Ranges =
    [
        ("424242", ByNumber["4242424242424242"]),
        ("555555", ByNumber["5555555555554444"]),
        ("400097", ByNumber["4000000000009995"]),
        ("400098", ByNumber["4000000000000002"]),
        .. Rows.Where(c => c is { StripeName.Length: 10, Behaviour: "succeeds" } && c.Number.StartsWith("400000", StringComparison.Ordinal)).Select(c => (c.Number[..9], c)),
    ];

    public static IReadOnlyList<TestCard> All => Rows;

    public static TestCard? WithNumber(string number) =>
        ByNumber.GetValueOrDefault(number)
        ?? Ranges.Where(r => number.Length == 16 && number.StartsWith(r.Prefix, StringComparison.Ordinal)).Select(r => r.Like).FirstOrDefault();

    /// <summary>A number of a prefix that stands for many, with its check digit; the same for the same place.</summary>
    public static string InRange(string prefix, long place)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        var room = (long)Math.Pow(10, 15 - prefix.Length);
        var digits = prefix + (place % room).ToString(CultureInfo.InvariantCulture).PadLeft(15 - prefix.Length, '0');
        return Enumerable.Range(0, 10).Select(check => string.Create(CultureInfo.InvariantCulture, $"{digits}{check}")).First(PassesLuhn);
    }

    public static TestCard? WithStripeName(string name) => ByStripeName.GetValueOrDefault(name);

    /// <summary>The check digit that every card number ends with (ISO/IEC 7812).</summary>
    public static bool PassesLuhn(string number)
    {
        ArgumentNullException.ThrowIfNull(number);
        var sum = 0;
        for (var i = 0; i < number.Length; i++)
        {
            var digit = number[number.Length - 1 - i] - '0';
            if (digit is < 0 or > 9)
            {
                return false;
            }

            sum += i % 2 == 0 ? digit : digit * 2 > 9 ? (digit * 2) - 9 : digit * 2;
        }

        return number.Length is >= 12 and <= 19 && sum % 10 == 0;
    }
}
