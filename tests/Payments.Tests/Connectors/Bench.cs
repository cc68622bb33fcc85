using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Payments.Connectors;
using Payments.Core;

namespace Payments.Tests.Connectors;

/// <summary>Connectors as the product registers them, against a server of the test's own, and calls to give them.</summary>
internal static class Bench
{
    public const string AdyenHmacKey = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
    public const string StripeWebhookSecret = "whsec_of_the_test";

    public static readonly IdSource Ids = new(TimeProvider.System);

    public static ConnectorRegistry Registry(Uri url, TimeProvider? time = null, int timeLimitMilliseconds = 10_000)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Payments:Stripe:Test:BaseUrl"] = url.ToString(),
            ["Payments:Stripe:Test:ApiKey"] = "sk_test_of_the_test",
            ["Payments:Stripe:Test:WebhookSecret"] = StripeWebhookSecret,
            ["Payments:Adyen:Test:BaseUrl"] = url.ToString(),
            ["Payments:Adyen:Test:ApiKey"] = "adyen-key-of-the-test",
            ["Payments:Adyen:Test:MerchantAccount"] = "TestMerchant",
            ["Payments:Adyen:Test:HmacKey"] = AdyenHmacKey,
            // A server of the test is there; where the machine is busy it may take its time.
            ["Payments:Connectors:ConnectMilliseconds"] = "10000",
            ["Payments:Connectors:AuthorizeMilliseconds"] = timeLimitMilliseconds.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["Payments:Connectors:ModifyMilliseconds"] = timeLimitMilliseconds.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["Payments:Connectors:ReadMilliseconds"] = timeLimitMilliseconds.ToString(System.Globalization.CultureInfo.InvariantCulture),
        }).Build();
        var services = new ServiceCollection();
        services.AddSingleton(time ?? TimeProvider.System);
        services.AddSingleton(typeof(Microsoft.Extensions.Logging.ILogger<>), typeof(NullLogger<>));
        services.AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory, NullLoggerFactory>();
        services.AddConnectors(configuration);
        return services.BuildServiceProvider().GetRequiredService<ConnectorRegistry>();
    }

    public static IConnector Connector(Uri url, Provider provider, TimeProvider? time = null, int timeLimitMilliseconds = 10_000) =>
        Registry(url, time, timeLimitMilliseconds).Find(provider, Mode.Test)!;

    public static AuthorizeCall Authorize(Provider provider) => new(
        Ids.New<AttemptId>(), Ids.New<PaymentId>(), Ids.New<MerchantId>(), Mode.Test, new Money(5_000, Currency.Of("USD")), CaptureNow: false, ThreeDSecureRequest.None,
        provider == Provider.Stripe ? "cus_1/pm_1" : "tok_1/8415000000000001", null, null, "https://shop.test/return");

    public static ModifyCall Modify(string reference = "ref_1") => new(
        Ids.New<AttemptId>(), Ids.New<PaymentId>(), Ids.New<OperationId>(), Mode.Test, reference, new Money(5_000, Currency.Of("USD")), Final: true, null);
}
