using System.Globalization;
using Payments.Connectors.Stripe;
using Payments.Platform;

namespace Payments.AllInOne;

/// <summary>The configuration that all services share in this process.</summary>
internal static class ServiceConfiguration
{
    public const string DemoMerchant = "Demo Shop";

    /// <summary>
    /// What the keys of <c>run.json</c> may do: whoever tries the product out under load is not to meet the limits that protect it from
    /// strangers. Other merchants have the usual ones.
    /// </summary>
    private const string DemoRequestsPerSecond = "2000";
    private const string AdyenMerchantAccount = "PaymentsECOM";
    private const string AdyenReportUser = "report@Company.PaymentsCo";

    public static IReadOnlyDictionary<string, string?> Of(AllInOneOptions options, Addresses addresses, ProductSecrets secrets, IReadOnlyDictionary<string, string> connections, int mailPort)
    {
        var configuration = new Dictionary<string, string?>
        {
            ["Logging:LogLevel:Default"] = "Information",
            ["Logging:LogLevel:Microsoft"] = "Warning",
            ["Logging:LogLevel:System"] = "Warning",
            ["Logging:LogLevel:Npgsql"] = "Warning",
            ["Logging:LogLevel:Polly"] = "Warning",

            // All services share the process's tracer, so all telemetry carries one name.
            ["OTEL_SERVICE_NAME"] = "payments",

            ["Payments:InternalKey"] = secrets.InternalKey,
            ["Payments:OperatorKey"] = secrets.OperatorKey,
            ["Payments:Secrets:EncryptionKey"] = secrets.EncryptionKey,
            ["Payments:Secrets:FingerprintKey"] = secrets.FingerprintKey,
            ["Payments:PublicUrl"] = Text(addresses.Api),
            ["Payments:Urls:Api"] = Text(addresses.Api),
            ["Payments:Urls:Vault"] = Text(addresses.Vault),
            ["Payments:Urls:Ledger"] = Text(addresses.Ledger),
            ["Payments:Urls:Fraud"] = Text(addresses.Fraud),
            ["Payments:Urls:Webhooks"] = Text(addresses.Webhooks),
            ["Payments:Urls:Reconciliation"] = Text(addresses.Reconciliation),
            ["Payments:Webhooks:AllowLoopback"] = "true",

            ["Payments:Ledger:AnchorFile"] = Path.Combine(options.DataDirectory, "anchors"),

            // The simulators' bank: nothing is sent anywhere.
            ["Payments:Ledger:PayoutDebtorName"] = "Payments",
            ["Payments:Ledger:PayoutDebtorIban"] = "DE02120300000000202051",
            ["Payments:Ledger:PayoutDebtorBic"] = "BYLADEM1001",
            ["Payments:Smtp:Host"] = "127.0.0.1",
            ["Payments:Smtp:Port"] = mailPort.ToString(CultureInfo.InvariantCulture),
            ["Payments:Smtp:From"] = "receipts@payments.example",
            ["Payments:Smtp:StartTls"] = "false",

            ["Payments:Seed:MerchantName"] = DemoMerchant,
            ["Payments:Seed:SecretKey"] = secrets.SecretKey,
            ["Payments:Seed:PublishableKey"] = secrets.PublishableKey,
            ["Payments:Seed:RequestsPerSecond"] = DemoRequestsPerSecond,
            ["Payments:RateLimits:OperatorPerSecond"] = DemoRequestsPerSecond,

            ["Payments:Stripe:Test:BaseUrl"] = Text(addresses.Simulators),
            ["Payments:Stripe:Test:ApiKey"] = secrets.StripeApiKey,
            ["Payments:Stripe:Test:WebhookSecret"] = secrets.StripeWebhookSecret,
            ["Payments:Adyen:Test:BaseUrl"] = Text(addresses.Simulators),
            ["Payments:Adyen:Test:ApiKey"] = secrets.AdyenApiKey,
            ["Payments:Adyen:Test:MerchantAccount"] = AdyenMerchantAccount,
            ["Payments:Adyen:Test:HmacKey"] = secrets.AdyenHmacKey,

            ["Payments:Reports:Stripe:Test:BaseUrl"] = Text(addresses.Simulators),
            ["Payments:Reports:Stripe:Test:ApiKey"] = secrets.StripeApiKey,
            ["Payments:Reports:Adyen:Test:BaseUrl"] = Text(addresses.Simulators),
            ["Payments:Reports:Adyen:Test:MerchantAccount"] = AdyenMerchantAccount,
            ["Payments:Reports:Adyen:Test:User"] = AdyenReportUser,
            ["Payments:Reports:Adyen:Test:Password"] = secrets.AdyenReportPassword,
            ["Payments:Reconciliation:FetchDirectory"] = Path.Combine(options.DataDirectory, "reports"),
            ["Payments:Reconciliation:StatementDirectory"] = Path.Combine(options.DataDirectory, "statements"),

            ["Simulators:Data"] = Path.Combine(options.DataDirectory, "simulators"),
            ["Simulators:LatencyMedianMilliseconds"] = options.SimulatorLatencyMilliseconds.ToString(CultureInfo.InvariantCulture),
            ["Simulators:PublicUrl"] = Text(addresses.Simulators),
            ["Simulators:Stripe:ApiKey"] = secrets.StripeApiKey,
            ["Simulators:Stripe:WebhookUrl"] = Text(addresses.Api) + "/providers/stripe/test/webhooks",
            ["Simulators:Stripe:WebhookSecret"] = secrets.StripeWebhookSecret,
            ["Simulators:Adyen:ApiKey"] = secrets.AdyenApiKey,
            ["Simulators:Adyen:MerchantAccount"] = AdyenMerchantAccount,
            ["Simulators:Adyen:WebhookUrl"] = Text(addresses.Api) + "/providers/adyen/test/webhooks",
            ["Simulators:Adyen:HmacKey"] = secrets.AdyenHmacKey,
            ["Simulators:Adyen:ReportUser"] = AdyenReportUser,
            ["Simulators:Adyen:ReportPassword"] = secrets.AdyenReportPassword,
        };
        foreach (var (place, type) in StripeEventTypes.All.Index())
        {
            configuration[string.Create(CultureInfo.InvariantCulture, $"Simulators:Stripe:WebhookEvents:{place}")] = type;
        }

        foreach (var (name, connection) in connections)
        {
            configuration["ConnectionStrings:" + name] = connection;
        }

        foreach (var (key, value) in options.Configuration)
        {
            configuration[key] = value;
        }

        return configuration;
    }

    /// <summary>Without the trailing slash.</summary>
    private static string Text(Uri address) => address.GetLeftPart(UriPartial.Authority);
}
