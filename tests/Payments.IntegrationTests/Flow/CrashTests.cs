using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Idempotency;
using Xunit;

namespace Payments.IntegrationTests.Flow;

/// <summary>
/// Requests whose process died: the intent is durable, nobody is at work. The flow's own parts are run up to the line where the process
/// is to die, and no further.
/// </summary>
[Collection(FlowProduct.Name)]
public sealed class CrashTests(FlowProduct product) : IAsyncDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync();

    [Theory]
    [InlineData("stripe", true, "captured", 1)]
    [InlineData("stripe", false, "failed", 0)]
    [InlineData("adyen", true, "captured", 1)]
    [InlineData("adyen", false, "captured", 1)]
    public async Task A_request_that_died_is_settled_when_it_is_repeated_and_charged_at_most_once(string provider, bool wasSent, string status, int charges)
    {
        var shop = provider == "stripe" ? product.Stripe : product.Adyen;
        await product.InjectAsync(provider, "webhook", "webhook_lost", Token, count: null);
        var key = FlowProduct.NewKey();
        var body = new { amount = 10_000, currency = "USD", payment_method = new { token = await shop.TokenAsync(Token) } };
        var payment = await DieAsync(shop, provider, key, JsonSerializer.Serialize(body), body.payment_method.token, wasSent);

        var answers = new List<Answer>();
        do
        {
            answers.Add(await FlowProduct.PostAsync(shop.Merchant, "/v1/payments", body, Token, key));
            await Task.Delay(100, Token);
        }
        while (answers[^1].Status is HttpStatusCode.Conflict or HttpStatusCode.Accepted);

        Assert.True(answers[^1] is { Status: HttpStatusCode.Created, Replayed: true }, answers[^1].Body);
        Assert.Equal((payment.Id.ToString(), status), (answers[^1].Id, answers[^1].Text("status")));
        Assert.Equal(charges, (await product.ChargesAsync(provider, payment.Id.ToString(), Token)).Count);
    }

    [Fact]
    public async Task A_request_that_died_is_settled_also_if_nobody_repeats_it()
    {
        await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: null);
        var token = await product.Stripe.TokenAsync(Token);

        var payment = await DieAsync(product.Stripe, "stripe", FlowProduct.NewKey(), "{}", token, wasSent: true);

        await product.Stripe.UntilAsync(payment.Id.ToString(), "captured", Token);
        Assert.Single(await product.ChargesAsync("stripe", payment.Id.ToString(), Token));
    }

    private async Task<PaymentState> DieAsync(Shop shop, string provider, string key, string body, string token, bool wasSent)
    {
        var api = product.Host.ServicesOf(Platform.Names.Services.Api);
        var ids = api.GetRequiredService<IdSource>();
        var at = TimeProvider.System.GetUtcNow();
        var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), at) { RequestKey = new RequestKey(KeyClass.Secret, key) };
        var blank = new PaymentState(
            ids.New<PaymentId>(), shop.MerchantId, Mode.Test, new Money(10_000, Currency.Of("USD")),
            new PaymentDetails(
                CaptureMethod.Automatic, new PaymentMethodView("card", "visa", "4242", "US", "credit", token), 1, new Price(29_000, 30), null, null, null, null, null,
                new Dictionary<string, string>()))
        {
            Risk = new RiskView(0, FraudVerdict.Approve, []),
        };
        var payment = Opening.Payment(blank, opened, new NewAttempt(opened.AttemptId, Words.Parse<Provider>(provider), new Price(20_000, 10)));
        var fingerprint = api.GetRequiredService<RequestFingerprint>().Of("POST", "/v1/payments", Encoding.UTF8.GetBytes(body));
        var verdict = await api.GetRequiredService<PaymentWriter>().WriteAsync(
            new Change(0, payment, payment.Operations, []) { Claim = new Claim(opened.RequestKey, fingerprint, opened.Id) });
        Assert.Equal(Verdict.Committed, verdict);
        if (wasSent)
        {
            await api.GetRequiredService<ProviderCalls>().MakeAsync(payment, payment.Authorization!, payment.AuthorizingAttempt!, null);
        }

        await using var database = NpgsqlDataSource.Create(product.Host.Backends.Connections[Platform.Names.Databases.Payments]);
        await using var due = database.CreateCommand("UPDATE attempts SET due_at = now() WHERE payment_id = $1");
        due.Parameters.Add(new() { Value = payment.Id.Value });
        await due.ExecuteNonQueryAsync(Token);
        return payment;
    }
}
