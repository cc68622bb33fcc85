using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace Payments.IntegrationTests.Fire;

/// <summary>One purchase that was seen to its end.</summary>
/// <param name="Answer">What the creating request was answered with in the end.</param>
internal sealed record Purchase(string Key, object Body, long Amount, string PaymentId, string Answer, long Refunded);

/// <summary>
/// Shoppers who do not give up: every request is sent several times at once under its key and again until it is answered for good,
/// and old ones are repeated in between. Whatever is neither a success nor "still running" is written down as unexpected.
/// </summary>
internal sealed class Traffic : IAsyncDisposable
{
    private const int Shoppers = 4;
    private const int Duplicates = 3;
    private const int MostRepeats = 600;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentQueue<Purchase> purchases = new();
    private readonly ConcurrentQueue<string> unexpected = new();
    private readonly Shop shop;
    private readonly string currency;
    private readonly Task shopping;
    private readonly bool outage;
    private int numbers;
    private int repeated;
    private int unavailable;

    /// <param name="currency">One that no other test uses, so that the providers' books show what this traffic did, known to us or not.</param>
    /// <param name="outage">A server that everything needs goes away meanwhile: 503, which asks for a repetition, is to be expected.</param>
    public Traffic(Shop shop, string currency, bool outage = false)
    {
        (this.shop, this.currency, this.outage) = (shop, currency, outage);
        shopping = Task.WhenAll(Enumerable.Range(0, Shoppers).Select(_ => Task.Run(ShopAsync)));
    }

    public IReadOnlyCollection<Purchase> Purchases => purchases;

    public IReadOnlyCollection<string> Unexpected => unexpected;

    /// <summary>How often a request had to be repeated.</summary>
    public int Repeated => repeated;

    /// <summary>How often a request was answered 503.</summary>
    public int Unavailable => unavailable;

    /// <summary>Goes on until so many more purchases are complete.</summary>
    public async Task GoOnAsync(int more, CancellationToken cancellationToken)
    {
        var target = purchases.Count + more;
        await Eventually.BecomesTrueAsync(
            $"{target} purchases",
            () =>
            {
                Assert.False(shopping.IsFaulted, shopping.Exception?.ToString());
                return Task.FromResult(purchases.Count < target && unexpected.IsEmpty ? $"{purchases.Count} are complete" : null);
            },
            cancellationToken);
        Assert.True(unexpected.IsEmpty, string.Join("\n", unexpected));
    }

    /// <summary>Lets every shopper finish.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync();
        await shopping;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stopping.Dispose();
    }

    /// <summary>Sends one request until it is answered for good; null if that cannot be had.</summary>
    public async Task<string?> SendAsync(HttpClient client, string path, object body, string key)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Duplicates).Select(_ => OnceAsync(client, path, body, key)));
        for (var repeats = 0; repeats < MostRepeats && unexpected.IsEmpty; repeats++)
        {
            var final = answers.OfType<(HttpStatusCode Status, string Body)>().Where(a => a.Status is HttpStatusCode.OK or HttpStatusCode.Created).Select(a => a.Body).Distinct().ToArray();
            if (final.Length > 1)
            {
                unexpected.Enqueue($"{key} has two answers: {string.Join(" and ", final)}");
            }
            else if (final.Length == 1)
            {
                return final[0];
            }

            Interlocked.Increment(ref repeated);
            await Task.Delay(100, CancellationToken.None);
            answers = [await OnceAsync(client, path, body, key)];
        }

        // Where another request was answered unexpectedly, this one was only given up.
        if (unexpected.IsEmpty)
        {
            unexpected.Enqueue($"{key} was never answered for good, last {answers[0]}");
        }

        return null;
    }

    private async Task ShopAsync()
    {
        while (!stopping.IsCancellationRequested && unexpected.IsEmpty)
        {
            await BuyAsync(Interlocked.Increment(ref numbers));
        }
    }

    private async Task BuyAsync(int number)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{currency}-{shop.Id}-{number}");
        // Small amounts are cheaper at one provider and large ones at the other, so both have their share. Each amount occurs once.
        var amount = (number % 2 == 0 ? 10_000 : 1_000_000) + number;
        var token = number % 7 == 0 ? await TokenAsync(key + "-token") : shop.Token;
        object body = new { amount, currency, payment_method = new { token }, order_id = key, capture_method = number % 3 == 0 ? "automatic" : "manual" };
        if (await SendAsync(shop.Merchant, "/v1/payments", body, key) is not { } answer)
        {
            return;
        }

        var id = JsonSerializer.Deserialize<JsonElement>(answer).GetProperty("id").GetString()!;
        var (what, then) = (number % 3) switch
        {
            0 => ("refunds", (object)new { amount = amount / 2 }),
            1 => ("capture", new { }),
            _ => ("void", new { }),
        };
        if (await SendAsync(shop.Merchant, $"/v1/payments/{id}/{what}", then, $"{key}-{what}") is null)
        {
            return;
        }

        purchases.Enqueue(new Purchase(key, body, amount, id, answer, what == "refunds" ? amount / 2 : 0));
        await RepeatAsync(purchases.ElementAt(number % purchases.Count));
    }

    /// <summary>An old request gets its old answer.</summary>
    private async Task RepeatAsync(Purchase old)
    {
        if (await SendAsync(shop.Merchant, "/v1/payments", old.Body, old.Key) is { } answer && answer != old.Answer)
        {
            unexpected.Enqueue($"{old.Key} was first answered {old.Answer} and then {answer}");
        }
    }

    private async Task<string> TokenAsync(string key) =>
        await SendAsync(shop.Shopper, "/v1/tokens", Shop.Card, key) is { } made ? JsonSerializer.Deserialize<JsonElement>(made).GetProperty("id").GetString()! : shop.Token;

    private async Task<(HttpStatusCode Status, string Body)?> OnceAsync(HttpClient client, string path, object body, string key)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
            request.Headers.Add("Idempotency-Key", key);
            using var answer = await client.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();
            if (outage && answer.StatusCode == HttpStatusCode.Conflict && text.Contains("\"payment_busy\"", StringComparison.Ordinal))
            {
                return (answer.StatusCode, text);
            }

            if (outage && answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                Interlocked.Increment(ref unavailable);
                return (answer.StatusCode, text);
            }

            if (!answer.IsSuccessStatusCode && !(answer.StatusCode == HttpStatusCode.Conflict && text.Contains("\"idempotency_key_in_use\"", StringComparison.Ordinal)))
            {
                unexpected.Enqueue($"POST {path} under {key} was answered {(int)answer.StatusCode}: {text}");
            }

            return (answer.StatusCode, text);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            unexpected.Enqueue($"POST {path} under {key} failed: {e.Message}");
            return null;
        }
    }
}
