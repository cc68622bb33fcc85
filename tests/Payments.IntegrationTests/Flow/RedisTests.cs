using System.Net;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Seams;
using Payments.IntegrationTests.Fire;
using Xunit;

namespace Payments.IntegrationTests.Flow;

[Collection(FlowProduct.Name)]
public sealed class RedisTests(FlowProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_what_Redis_remembered_the_database_gives_the_same_answers()
    {
        var key = FlowProduct.NewKey();
        var token = await product.Stripe.TokenAsync(Token);
        var body = new { amount = 777, currency = "USD", payment_method = new { token } };
        var first = await FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", body, Token, key);

        var redis = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(product.Host.Backends.Connections[Platform.Names.Connections.Redis]);
        await Eventually.BecomesTrueAsync(
            "the answer was in Redis",
            async () => await redis.GetDatabase().KeyDeleteAsync($"payments:answer:{product.Stripe.MerchantId}:test:{Words.Of(KeyClass.Secret)}:{key}") ? null : "it is not there",
            Token);
        await redis.CloseAsync();
        var again = await FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", body, Token, key);

        Assert.Equal((HttpStatusCode.Created, first.Body, true), (again.Status, again.Body, again.Replayed));
        Assert.Single(await product.ChargesAsync("stripe", first.Id, Token));
    }
}
