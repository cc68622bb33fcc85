using System.Net;
using System.Text.Json;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Product;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Fraud;

[Collection(ProductFixture.Name)]
public sealed class RiskMetricsEndpointTests(ProductFixture product)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Operators_read_what_became_of_a_merchants_payments()
    {
        using var shop = await Shop.OpenAsync(product, "Risk metrics", Cancel);
        using var answer = await product.PostAsync(shop.Shopper, "/v1/tokens", new { card = new { number = "4242420000100008", exp_month = 12, exp_year = 2034, cvc = "123" } }, Cancel);
        var token = (await ProductFixture.JsonAsync(answer, Cancel)).GetProperty("id").GetString()!;
        using var paid = await product.PostAsync(shop.Merchant, "/v1/payments", new { amount = 5_000, currency = "USD", payment_method = new { token } }, Cancel);
        var payment = await ProductFixture.JsonAsync(paid, Cancel);
        var path = $"/ops/v1/risk/metrics?mode=test&merchant_id={payment.GetProperty("merchant_id").GetString()}";

        await Eventually.BecomesTrueAsync(
            "the payment is counted",
            async () => Count(await GetAsync(path), "fraud_rate", "denominator") == 5_000 ? null : (await GetAsync(path)).ToString(),
            Cancel);
        var report = await GetAsync(path);
        Assert.Equal("risk_metrics test 0", $"{report.GetProperty("object")} {report.GetProperty("mode")} {report.GetProperty("reviews_open")}");
        Assert.Equal((1, 1), (Count(report, "auto_approve_rate", "numerator"), Count(report, "auto_approve_rate", "denominator")));
        Assert.Equal((0, 1), (Count(report, "review_rate", "numerator"), Count(report, "authorization_rate", "numerator")));
        Assert.Equal(0, Count(await GetAsync(path.Replace("test", "live", StringComparison.Ordinal)), "auto_approve_rate", "denominator"));
    }

    [Theory]
    [InlineData("from=2026-02-01&to=2026-02-01", "from")]
    [InlineData("from=2024-01-01&to=2026-02-01", "from")]
    [InlineData("to=1970-01-02", "to")]
    [InlineData("mode=both", "mode")]
    [InlineData("merchant_id=mer_1", "merchant_id")]
    [InlineData("until=2026-02-01", "until")]
    public async Task A_period_that_is_none_is_refused(string query, string parameter)
    {
        using var answer = await product.Operator.GetAsync(new Uri("/ops/v1/risk/metrics?" + query, UriKind.Relative), Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(parameter, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancel)).GetProperty("param").GetString());
    }

    private static long Count(JsonElement report, string metric, string member) =>
        report.GetProperty("metrics").EnumerateArray().Single(m => m.GetProperty("name").GetString() == metric).GetProperty(member).GetInt64();

    private async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await product.Operator.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        return await ProductFixture.JsonAsync(answer, Cancel);
    }
}
