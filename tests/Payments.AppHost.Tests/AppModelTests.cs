using Xunit;

namespace Payments.AppHost.Tests;

public sealed class AppModelTests(AppModel model) : IClassFixture<AppModel>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("api")]
    [InlineData("vault")]
    [InlineData("fraud")]
    [InlineData("ledger")]
    [InlineData("webhooks")]
    public async Task Every_service_says_that_it_can_do_its_work(string service)
    {
        using var client = model.Client(service, null);
        var health = await AppModel.GetAsync(client, "/health", Cancellation);
        Assert.Equal("healthy", health.GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_payment_is_captured_and_reaches_a_ledger_that_balances()
    {
        using var shopper = model.Client("vault", AppModel.PublishableKey);
        using var merchant = model.Client("api", AppModel.SecretKey);
        using var @operator = model.Client("api", AppModel.OperatorKey);

        var card = new { number = "4242424242424242", exp_month = 12, exp_year = 2034, cvc = "123" };
        var token = (await AppModel.PostAsync(shopper, "/v1/tokens", new { card }, Cancellation)).GetProperty("id").GetString();
        var made = await AppModel.PostAsync(merchant, "/v1/payments", new { amount = 5_000, currency = "USD", payment_method = new { token } }, Cancellation);
        var id = made.GetProperty("id").GetString();
        var captured = await AppModel.UntilAsync(merchant, $"/v1/payments/{id}", p => p.GetProperty("amount_captured").GetInt64() == 5_000, Cancellation);
        Assert.Equal("captured", captured.GetProperty("status").GetString());

        var booked = await AppModel.UntilAsync(merchant, $"/v1/balance_transactions?payment={id}", t => t.GetProperty("data").GetArrayLength() == 1, Cancellation);
        var charge = booked.GetProperty("data")[0];
        Assert.Equal(("charge", 5_000L), (charge.GetProperty("type").GetString(), charge.GetProperty("amount").GetInt64()));

        // Debits of the ledger are its credits, in each currency.
        var trial = await AppModel.GetAsync(@operator, "/ops/v1/ledger/trial_balance", Cancellation);
        Assert.NotEmpty(trial.GetProperty("data").EnumerateArray());
        Assert.All(trial.GetProperty("data").EnumerateArray(), row => Assert.Equal(0, row.GetProperty("difference").GetInt64()));

        var events = await AppModel.UntilAsync(merchant, $"/v1/events?payment={id}&type=payment.captured", e => e.GetProperty("data").GetArrayLength() == 1, Cancellation);
        Assert.Equal(id, events.GetProperty("data")[0].GetProperty("data").GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_payment_is_captured_at_each_provider_and_its_webhook_arrives_signed(string provider)
    {
        using var @operator = model.Client("api", AppModel.OperatorKey);
        var made = await AppModel.PostAsync(@operator, "/ops/v1/merchants", new { name = $"Shop at {provider}", routing = new { preferred_provider = provider } }, Cancellation);
        using var merchant = model.Client("api", await KeyAsync("secret"));
        using var shopper = model.Client("vault", await KeyAsync("publishable"));
        using var receiver = new WebhookReceiver();
        var endpoint = await AppModel.PostAsync(merchant, "/v1/webhook_endpoints", new { url = receiver.Url.AbsoluteUri }, Cancellation);

        var card = new { number = "5555555555554444", exp_month = 12, exp_year = 2034, cvc = "123" };
        var token = (await AppModel.PostAsync(shopper, "/v1/tokens", new { card }, Cancellation)).GetProperty("id").GetString();
        var paid = await AppModel.PostAsync(merchant, "/v1/payments", new { amount = 2_500, currency = "EUR", payment_method = new { token } }, Cancellation);
        var id = paid.GetProperty("id").GetString()!;

        var webhook = await receiver.UntilAsync("payment.captured", id, endpoint.GetProperty("secret").GetString()!, Cancellation);
        var shown = await AppModel.GetAsync(merchant, $"/v1/payments/{id}", Cancellation);
        Assert.Equal(("captured", 2_500L, provider), (shown.GetProperty("status").GetString(), shown.GetProperty("amount_captured").GetInt64(), shown.GetProperty("provider").GetString()));
        Assert.Contains(shown.GetProperty("provider_reference").GetString()!, webhook, StringComparison.Ordinal);

        // The provider's own books say the same.
        using var simulators = model.Client("simulators", null);
        var books = await AppModel.GetAsync(simulators, $"/books/{provider}?reference={id}", Cancellation);
        Assert.Equal(2_500, Assert.Single(books.GetProperty("charges").EnumerateArray()).GetProperty("amount_captured").GetInt64());

        async Task<string?> KeyAsync(string @class)
        {
            var path = $"/ops/v1/merchants/{made.GetProperty("id").GetString()}/keys";
            return (await AppModel.PostAsync(@operator, path, new { mode = "test", @class }, Cancellation)).GetProperty("key").GetString();
        }
    }
}
