namespace Payments.AppHost;

/// <summary>Accounts with the payment providers: those of the simulators on this machine, parameters in Azure.</summary>
internal sealed class Providers
{
    private readonly List<(string Key, IResourceBuilder<ParameterResource> Value)> settings = [];
    private readonly List<(string Key, IResourceBuilder<ParameterResource> Value)> reports = [];

    public Providers(IDistributedApplicationBuilder builder)
    {
        StripeKey = Add(builder, "stripe-test-key", "Stripe__Test__ApiKey", bytes => "sk_test_" + Convert.ToHexString(bytes));
        StripeWebhookSecret = Add(builder, "stripe-test-webhook-secret", "Stripe__Test__WebhookSecret", bytes => "whsec_" + Convert.ToHexString(bytes));
        AdyenKey = Add(builder, "adyen-test-key", "Adyen__Test__ApiKey", bytes => "AQE" + Convert.ToHexString(bytes));
        AdyenMerchantAccount = Add(builder, "adyen-test-merchant-account", "Adyen__Test__MerchantAccount", _ => "PaymentsECOM");
        AdyenHmacKey = Add(builder, "adyen-test-hmac-key", "Adyen__Test__HmacKey", Convert.ToHexString);
        AdyenReportUser = AddReports(builder, "adyen-test-report-user", "Adyen__Test__User", _ => "report@Company.PaymentsCo");
        AdyenReportPassword = AddReports(builder, "adyen-test-report-password", "Adyen__Test__Password", Convert.ToHexString);
        reports.Add(("Adyen__Test__MerchantAccount", AdyenMerchantAccount));
        if (builder.ExecutionContext.IsPublishMode)
        {
            Add(builder, "stripe-live-key", "Stripe__Live__ApiKey", Convert.ToHexString);
            Add(builder, "stripe-live-webhook-secret", "Stripe__Live__WebhookSecret", Convert.ToHexString);
            Add(builder, "adyen-live-url", "Adyen__Live__BaseUrl", Convert.ToHexString);
            Add(builder, "adyen-live-key", "Adyen__Live__ApiKey", Convert.ToHexString);
            var liveAccount = Add(builder, "adyen-live-merchant-account", "Adyen__Live__MerchantAccount", Convert.ToHexString);
            Add(builder, "adyen-live-hmac-key", "Adyen__Live__HmacKey", Convert.ToHexString);

            // Stripe's restricted key that reads payouts, and Adyen's report user, who can do nothing else.
            AddReports(builder, "stripe-test-report-key", "Stripe__Test__ApiKey", Convert.ToHexString);
            AddReports(builder, "stripe-live-report-key", "Stripe__Live__ApiKey", Convert.ToHexString);
            AddReports(builder, "adyen-live-report-user", "Adyen__Live__User", Convert.ToHexString);
            AddReports(builder, "adyen-live-report-password", "Adyen__Live__Password", Convert.ToHexString);
            reports.Add(("Adyen__Live__MerchantAccount", liveAccount));
        }
        else
        {
            // The simulators know one key.
            reports.Add(("Stripe__Test__ApiKey", StripeKey));
        }
    }

    public IResourceBuilder<ParameterResource> StripeKey { get; }

    public IResourceBuilder<ParameterResource> StripeWebhookSecret { get; }

    public IResourceBuilder<ParameterResource> AdyenKey { get; }

    public IResourceBuilder<ParameterResource> AdyenMerchantAccount { get; }

    public IResourceBuilder<ParameterResource> AdyenHmacKey { get; }

    public IResourceBuilder<ParameterResource> AdyenReportUser { get; }

    public IResourceBuilder<ParameterResource> AdyenReportPassword { get; }

    /// <summary>Names of configuration keys below <c>Payments</c>, and what they are set to.</summary>
    public IEnumerable<(string Key, IResourceBuilder<ParameterResource> Value)> Settings => settings;

    /// <summary>The same below <c>Payments:Reports</c>: as whom settlement reports are fetched.</summary>
    public IEnumerable<(string Key, IResourceBuilder<ParameterResource> Value)> Reports => reports;

    private IResourceBuilder<ParameterResource> Add(IDistributedApplicationBuilder builder, string name, string key, Func<byte[], string> format)
    {
        var parameter = builder.AddSecret(name, format);
        settings.Add((key, parameter));
        return parameter;
    }

    private IResourceBuilder<ParameterResource> AddReports(IDistributedApplicationBuilder builder, string name, string key, Func<byte[], string> format)
    {
        var parameter = builder.AddSecret(name, format);
        reports.Add((key, parameter));
        return parameter;
    }
}
