using System.ComponentModel.DataAnnotations;

namespace Payments.Simulators;

/// <summary>Configuration section <c>Simulators</c>. The keys are those of test accounts; they open nothing but this service.</summary>
public sealed class SimulatorsOptions
{
    public const string Section = "Simulators";

    /// <summary>Directory of the journal, the certificates and the fingerprint key.</summary>
    [Required]
    public string Data { get; set; } = ".payments/simulators";

    /// <summary>Where shoppers reach this service; by default the address that the request itself used.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>Median of the lognormal answering time; 0 answers at once.</summary>
    [Range(0, 60_000)]
    public double LatencyMedianMilliseconds { get; set; } = 250;

    /// <summary>Sigma of the lognormal answering time.</summary>
    [Range(0, 3)]
    public double LatencySigma { get; set; } = 0.35;

    /// <summary>Time from an Adyen modification to its outcome, and from a Stripe refund to its later turn.</summary>
    [Range(0, 3_600_000)]
    public int OutcomeDelayMilliseconds { get; set; } = 300;

    /// <summary>How long a shopper has for a challenge at Adyen before the offer is closed; by default the vendor's 12 hours.</summary>
    [Range(1, 86_400_000)]
    public int? OfferMilliseconds { get; set; }

    /// <summary>How long banks take with a debit (ACH); by default as long as any other outcome. In the world it is days.</summary>
    [Range(0, 864_000_000)]
    public int? DebitMilliseconds { get; set; }

    /// <summary>Longest pause before a webhook is sent again; by default as long as the vendors': up to a day.</summary>
    [Range(1, 86_400_000)]
    public int LongestWebhookPauseMilliseconds { get; set; } = 86_400_000;

    [Required]
    public StripeAccount Stripe { get; set; } = new();

    [Required]
    public AdyenAccount Adyen { get; set; } = new();
}

public sealed class StripeAccount
{
    [Required]
    public string ApiKey { get; set; } = "sk_test_simulator";

    public string? WebhookUrl { get; set; }

    /// <summary>The types of events that are sent there; all where there is none. The others happen too, and can be read.</summary>
    public IList<string> WebhookEvents { get; } = [];

    public string WebhookSecret { get; set; } = "whsec_simulator";
}

public sealed class AdyenAccount
{
    [Required]
    public string ApiKey { get; set; } = "AQE_simulator";

    [Required]
    public string MerchantAccount { get; set; } = "PaymentsECOM";

    public string? WebhookUrl { get; set; }

    [Required, RegularExpression("^([0-9A-Fa-f]{2})+$")]
    public string HmacKey { get; set; } = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

    /// <summary>Who may download reports, and nothing else.</summary>
    [Required]
    public string ReportUser { get; set; } = "report@Company.PaymentsCo";

    [Required]
    public string ReportPassword { get; set; } = "report_simulator";
}
