using System.Text.Json;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

[Collection(ProductFixture.Name)]
public sealed class ProductTests(ProductFixture product)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_captured_and_refunded_payment_is_seen_in_the_merchants_balance_and_in_the_books()
    {
        var token = await product.TokenAsync(Cancel);
        var payment = await PostAsync("/v1/payments", new { amount = 5_000, currency = "CHF", capture_method = "automatic", payment_method = new { token } });
        var id = payment.GetProperty("id").GetString()!;
        var charge = await UntilAsync(product.Merchant, $"/v1/balance_transactions?payment={id}", p => p.GetProperty("data").GetArrayLength() > 0);
        var (gross, fee) = (charge.GetProperty("data")[0].GetProperty("amount").GetInt64(), charge.GetProperty("data")[0].GetProperty("fee").GetInt64());
        Assert.Equal(5_000, gross);
        Assert.True(fee > 0);
        Assert.Equal("charge", charge.GetProperty("data")[0].GetProperty("type").GetString());
        Assert.Equal(5_000 - fee, Pending(await ReadAsync(product.Merchant, "/v1/balance")));

        await PostAsync($"/v1/payments/{id}/refunds", new { amount = 2_000 });
        await UntilAsync(product.Merchant, $"/v1/balance_transactions?payment={id}", p => p.GetProperty("data").GetArrayLength() == 2);
        Assert.Equal(3_000 - fee, Pending(await ReadAsync(product.Merchant, "/v1/balance")));

        var journals = await ReadAsync(product.Operator, $"/ops/v1/ledger/journals?payment={id}");
        Assert.Equal(
            ["payment.refunded", "payment.captured"],
            journals.GetProperty("data").EnumerateArray().Select(j => j.GetProperty("event_type").GetString()));
        var trial = await ReadAsync(product.Operator, "/ops/v1/ledger/trial_balance");
        Assert.NotEmpty(trial.GetProperty("data").EnumerateArray());
        Assert.All(trial.GetProperty("data").EnumerateArray(), r => Assert.Equal(0, r.GetProperty("difference").GetInt64()));
        var completeness = await UntilAsync(product.Operator, "/ops/v1/ledger/completeness", c => c.GetProperty("complete").GetBoolean());
        Assert.Empty(completeness.GetProperty("findings").EnumerateArray());
    }

    private static long Pending(JsonElement balance) =>
        balance.GetProperty("pending").EnumerateArray().Single(a => a.GetProperty("currency").GetString() == "CHF").GetProperty("amount").GetInt64();

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await product.PostAsync(product.Merchant, path, body, Cancel);
        return await ProductFixture.JsonAsync(answer, Cancel);
    }

    private static async Task<JsonElement> ReadAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        return await ProductFixture.JsonAsync(answer, Cancel);
    }

    private static async Task<JsonElement> UntilAsync(HttpClient client, string path, Func<JsonElement, bool> expected)
    {
        while (true)
        {
            var answer = await ReadAsync(client, path);
            if (expected(answer))
            {
                return answer;
            }

            await Task.Delay(100, Cancel);
        }
    }
}
