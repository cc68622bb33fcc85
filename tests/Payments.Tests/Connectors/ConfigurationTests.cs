using Microsoft.Extensions.Configuration;
using Payments.Connectors.Adyen;
using Payments.Connectors.Stripe;
using Payments.Core;
using Xunit;

namespace Payments.Tests.Connectors;

public sealed class ConfigurationTests
{
    [Fact]
    public void A_provider_without_a_key_is_not_available_and_one_that_is_half_configured_stops_the_start()
    {
        Assert.Null(StripeAccount.From(Settings(), Mode.Test));
        Assert.Null(AdyenAccount.From(Settings(("Adyen:Test:ApiKey", "k"), ("Adyen:Test:MerchantAccount", "m"), ("Adyen:Test:HmacKey", "00")), Mode.Live));
        Assert.Throws<InvalidOperationException>(() => StripeAccount.From(Settings(("Stripe:Test:ApiKey", "k")), Mode.Test));
        Assert.Throws<InvalidOperationException>(() => AdyenAccount.From(Settings(("Adyen:Test:ApiKey", "k"), ("Adyen:Test:HmacKey", "00")), Mode.Test));
        Assert.Throws<InvalidOperationException>(() => AdyenAccount.From(Settings(("Adyen:Test:ApiKey", "k"), ("Adyen:Test:MerchantAccount", "m"), ("Adyen:Test:HmacKey", "xyz")), Mode.Test));
        Assert.Throws<InvalidOperationException>(() => AdyenAccount.From(Settings(("Adyen:Live:ApiKey", "k"), ("Adyen:Live:MerchantAccount", "m"), ("Adyen:Live:HmacKey", "00")), Mode.Live));
        Assert.Throws<InvalidOperationException>(() => StripeAccount.From(Settings(("Stripe:Test:ApiKey", "k"), ("Stripe:Test:WebhookSecret", "s"), ("Stripe:Test:BaseUrl", "ftp://x")), Mode.Test));
    }

    // configured, used
    [Theory]
    [InlineData(null, "https://checkout-test.adyen.com/v71/")]
    [InlineData("http://localhost:8083", "http://localhost:8083/v71/")]
    [InlineData("http://localhost:8083/", "http://localhost:8083/v71/")]
    [InlineData("https://prefix-checkout-live.adyenpayments.com/checkout", "https://prefix-checkout-live.adyenpayments.com/checkout/v71/")]
    [InlineData("https://prefix-checkout-live.adyenpayments.com/checkout/v72", "https://prefix-checkout-live.adyenpayments.com/checkout/v72/")]
    public void Adyens_base_URL_may_name_the_version_or_not(string? configured, string used)
    {
        var account = AdyenAccount.From(Settings(("Adyen:Test:ApiKey", "k"), ("Adyen:Test:MerchantAccount", "m"), ("Adyen:Test:HmacKey", "00"), ("Adyen:Test:BaseUrl", configured)), Mode.Test);
        Assert.Equal(used, account!.BaseUrl.ToString());
    }

    [Fact]
    public void Accounts_print_no_keys() => Assert.Equal(
        ["StripeAccount", "AdyenAccount"],
        new object[] { new StripeAccount(new Uri("http://x"), "secret", "secret"), new AdyenAccount(new Uri("http://x"), "secret", "m", "00") }.Select(a => a.ToString()));

    private static IConfiguration Settings(params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create("Payments:" + s.Key, s.Value))).Build();
}
