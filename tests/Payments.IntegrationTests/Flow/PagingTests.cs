using System.Net;
using System.Text.Json;
using Xunit;

namespace Payments.IntegrationTests.Flow;

/// <summary>A merchant's lists while the merchant goes on trading. Two of them are fed by the event stream.</summary>
[Collection(FlowProduct.Name)]
public sealed class PagingTests(FlowProduct product)
{
    /// <summary>Each payment is one entry of each.</summary>
    private static readonly string[] Lists = ["/v1/payments?", "/v1/events?type=payment.captured&", "/v1/balance_transactions?"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_neither_skip_nor_repeat_while_payments_are_made()
    {
        using var shop = await product.OpenShopAsync("stripe");
        var token = await shop.TokenAsync(Token);
        var made = 0;
        for (var i = 0; i < 7; i++)
        {
            await PayAsync(shop, token, ++made);
        }

        var before = new List<string>[Lists.Length];
        var seen = Array.ConvertAll(Lists, _ => new List<string>());
        var cursors = new string?[Lists.Length];
        for (var list = 0; list < Lists.Length; list++)
        {
            before[list] = [.. IdsOf(await shop.GetAsync($"{Lists[list]}limit=100", Token))];
            Assert.Equal(made, before[list].Distinct().Count());
        }

        do
        {
            for (var list = 0; list < Lists.Length; list++)
            {
                var page = await shop.GetAsync($"{Lists[list]}limit=2{(cursors[list] is { } cursor ? $"&cursor={cursor}" : "")}", Token);
                seen[list].AddRange(IdsOf(page));
                cursors[list] = page.GetProperty("next_cursor").GetString();
                Assert.Equal(cursors[list] is not null, page.GetProperty("has_more").GetBoolean());
            }

            await PayAsync(shop, token, ++made);
        }
        while (cursors[0] is not null);

        Assert.All(cursors, Assert.Null);
        Assert.Equal(before, seen);
    }

    /// <summary>Makes a payment and waits until every list shows it.</summary>
    private static async Task PayAsync(Shop shop, string token, int ordinal)
    {
        var paid = await FlowProduct.PostAsync(shop.Merchant, "/v1/payments", new { amount = 1_000 + ordinal, currency = "USD", payment_method = new { token } }, Token);
        Assert.True(paid.Status == HttpStatusCode.Created, paid.Body);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        foreach (var list in Lists)
        {
            while (IdsOf(await shop.GetAsync($"{list}limit=100", Token)).Count() < ordinal)
            {
                Assert.False(patience.IsCancellationRequested, $"{list} does not show payment {ordinal}.");
                await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
            }
        }
    }

    private static IEnumerable<string> IdsOf(JsonElement page) => page.GetProperty("data").EnumerateArray().Select(entry => entry.GetProperty("id").GetString()!);
}
