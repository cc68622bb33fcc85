namespace Payments.AppHost;

/// <summary>Accounts with the payment providers: those of the simulators on this machine, parameters in Azure.</summary>
internal sealed class Providers
{
    private readonly List<(string Key, IResourceBuilder<ParameterResource> Value)> settings = [];

    public Providers(IDistributedApplicationBuilder builder)
    {
        StripeKey = Add(builder, "stripe-test-key", "Stripe__Test__ApiKey", bytes => "sk_test_" + Convert.ToHexString(bytes));
        StripeWebhookSecret = Add(builder, "stripe-test-webhook-secret", "Stripe__Test__WebhookSecret", bytes => "whsec_" + Convert.ToHexString(bytes));
        AdyenKey = Add(builder, "adyen-test-key", "Adyen__Test__ApiKey", bytes => "AQE" + Convert.ToHexString(bytes));
        AdyenMerchantAccount = Add(builder, "adyen-test-merchant-account", "Adyen__Test__MerchantAccount", _ => "PaymentsECOM");
        AdyenHmacKey = Add(builder, "adyen-test-hmac-key", "Adyen__Test__HmacKey", Convert.ToHexString);
        if (builder.ExecutionContext.IsPublishMode)
        {
            Add(builder, "stripe-live-key", "Stripe__Live__ApiKey", Convert.ToHexString);
            Add(builder, "stripe-live-webhook-secret", "Stripe__Live__WebhookSecret", Convert.ToHexString);
            Add(builder, "adyen-live-url", "Adyen__Live__BaseUrl", Convert.ToHexString);
            Add(builder, "adyen-live-key", "Adyen__Live__ApiKey", Convert.ToHexString);
            Add(builder, "adyen-live-merchant-account", "Adyen__Live__MerchantAccount", Convert.ToHexString);
            Add(builder, "adyen-live-hmac-key", "Adyen__Live__HmacKey", Convert.ToHexString);
        }
    }

    public IResourceBuilder<ParameterResource> StripeKey { get; }

    public IResourceBuilder<ParameterResource> StripeWebhookSecret { get; }

    public IResourceBuilder<ParameterResource> AdyenKey { get; }

    public IResourceBuilder<ParameterResource> AdyenMerchantAccount { get; }

    public IResourceBuilder<ParameterResource> AdyenHmacKey { get; }

    /// <summary>Names of configuration keys below <c>Payments</c>, and what they are set to.</summary>
    public IEnumerable<(string Key, IResourceBuilder<ParameterResource> Value)> Settings => settings;

    private IResourceBuilder<ParameterResource> Add(IDistributedApplicationBuilder builder, string name, string key, Func<byte[], string> format)
    {
        var parameter = builder.AddSecret(name, format);
        settings.Add((key, parameter));
        return parameter;
    }
}
