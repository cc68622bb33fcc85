using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace Payments.EndToEndTests;

/// <summary>Many requests at once to a product as <c>run.sh</c> starts it, with its own keys, limits and simulated delays.</summary>
internal static class Rush
{
    private const int Amount = 10_000;

    public static async Task ManyAtOnceMoveMoneyOnceAsync(RunningProduct product, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(product);
        using var merchant = product.Client("api", "secret_key");
        var payment = await OneChargeOfTwoHundredAsync(product, merchant, cancellationToken);
        await OneRefundOfAHundredAsync(product, merchant, payment, cancellationToken);
    }

    private static async Task<JsonElement> OneChargeOfTwoHundredAsync(RunningProduct product, HttpClient merchant, CancellationToken cancellationToken)
    {
        using var shopper = product.Client("vault", "publishable_key");
        var card = new { number = "4242424242424242", exp_month = 12, exp_year = 2034, cvc = "123" };
        var token = (await RunningProduct.SendAsync(shopper, HttpMethod.Post, "/v1/tokens", new { card }, cancellationToken)).GetProperty("id").GetString();
        var body = new { amount = Amount, currency = "USD", payment_method = new { token }, order_id = "rush" };

        // What was asked just before is no excuse.
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => RunningProduct.SendAsync(merchant, HttpMethod.Get, "/v1/payments", null, cancellationToken)));
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => PostAsync(merchant, "/v1/payments", body, "rush-payment", cancellationToken)));

        Assert.All(answers, a => Assert.True(a.Status is HttpStatusCode.Created or HttpStatusCode.Conflict, $"{a.Status}: {a.Body}"));
        Assert.All(answers.Where(a => a.Status == HttpStatusCode.Conflict), a => Assert.Equal("idempotency_key_in_use", a.Body.GetProperty("code").GetString()));
        var id = Assert.Single(answers.Where(a => a.Status == HttpStatusCode.Created).Select(a => a.Body.GetProperty("id").GetString()!).Distinct());
        var listed = await RunningProduct.SendAsync(merchant, HttpMethod.Get, "/v1/payments?order_id=rush", null, cancellationToken);
        Assert.Equal(id, Assert.Single(listed.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
        var payment = await UntilAsync(merchant, id, "captured", cancellationToken);
        Assert.Equal(Amount, (await OnlyChargeAsync(product, payment, cancellationToken)).GetProperty("amount_captured").GetInt64());
        return payment;
    }

    private static async Task OneRefundOfAHundredAsync(RunningProduct product, HttpClient merchant, JsonElement payment, CancellationToken cancellationToken)
    {
        const int part = Amount * 6 / 10;
        var id = payment.GetProperty("id").GetString()!;

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => PostAsync(merchant, $"/v1/payments/{id}/refunds", new { amount = part }, $"rush-refund-{i}", cancellationToken)));

        Assert.Single(answers, a => a.Status == HttpStatusCode.Created);
        Assert.All(
            answers.Where(a => a.Status != HttpStatusCode.Created),
            a => Assert.Equal((HttpStatusCode.UnprocessableEntity, "amount_exceeds_refundable"), (a.Status, a.Body.GetProperty("code").GetString())));
        payment = await UntilAsync(merchant, id, "partially_refunded", cancellationToken);
        Assert.Equal(part, payment.GetProperty("amount_refunded").GetInt64());
        Assert.Equal(part, (await OnlyChargeAsync(product, payment, cancellationToken)).GetProperty("amount_refunded").GetInt64());
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(HttpClient client, string path, object body, string key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", key);
        using var answer = await client.SendAsync(request, cancellationToken);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken));
    }

    /// <summary>A provider may take its time.</summary>
    private static async Task<JsonElement> UntilAsync(HttpClient merchant, string id, string status, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        while (true)
        {
            var payment = await RunningProduct.SendAsync(merchant, HttpMethod.Get, "/v1/payments/" + id, null, cancellationToken);
            if (payment.GetProperty("status").GetString() == status)
            {
                return payment;
            }

            Assert.False(patience.IsCancellationRequested, $"The payment stayed at {payment}");
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    /// <summary>The one charge that holds or moved money for the payment in the books of both providers.</summary>
    private static async Task<JsonElement> OnlyChargeAsync(RunningProduct product, JsonElement payment, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = new Uri(product.Run.GetProperty("simulators").GetProperty("base").GetString()!) };
        var charges = new List<JsonElement>();
        foreach (var provider in (string[])["stripe", "adyen"])
        {
            var books = await client.GetFromJsonAsync<JsonElement>($"/books/{provider}?reference={payment.GetProperty("id").GetString()}", cancellationToken);
            charges.AddRange(books.GetProperty("charges").EnumerateArray().Where(c => c.GetProperty("status").GetString() != "failed"));
        }

        return Assert.Single(charges);
    }
}
