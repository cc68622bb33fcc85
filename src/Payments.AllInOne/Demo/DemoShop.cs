using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Payments.AllInOne.Embedded;

namespace Payments.AllInOne.Demo;

/// <summary>The demo merchant as it uses the product: through the public APIs only, as any merchant and operator would.</summary>
internal sealed class DemoShop : IDisposable
{
    private readonly AllInOneHost host;
    private readonly HttpClient merchant;
    private readonly HttpClient shopper;
    private readonly HttpClient operators;

    public DemoShop(AllInOneHost host)
    {
        this.host = host;
        merchant = Client(host.Addresses.Api, host.Secrets.SecretKey);
        shopper = Client(host.Addresses.Vault, host.Secrets.PublishableKey);
        operators = Client(host.Addresses.Api, host.Secrets.OperatorKey);
    }

    /// <summary>The id of the merchant that the API was told to seed.</summary>
    public async Task<string> FindMerchantAsync(CancellationToken cancellationToken)
    {
        for (var cursor = string.Empty; ;)
        {
            var page = await SendAsync(operators, HttpMethod.Get, "/ops/v1/merchants?limit=100" + cursor, null, cancellationToken);
            if (page["data"]!.AsArray().FirstOrDefault(m => (string?)m!["name"] == ServiceConfiguration.DemoMerchant) is { } found)
            {
                return (string)found["id"]!;
            }

            cursor = (string?)page["next_cursor"] is { } next
                ? "&cursor=" + Uri.EscapeDataString(next)
                : throw new InvalidOperationException("The demo merchant was not seeded.");
        }
    }

    /// <summary>Sends the merchant's payments to one provider, or by the usual rules for null.</summary>
    public Task PreferAsync(string merchantId, string? provider, CancellationToken cancellationToken) =>
        SendAsync(operators, HttpMethod.Patch, $"/ops/v1/merchants/{merchantId}", new { routing = new { preferred_provider = provider } }, cancellationToken);

    /// <summary>Makes sure that webhooks go to the demo receiver, and returns the secret they are signed with.</summary>
    public async Task<string> RegisterReceiverAsync(CancellationToken cancellationToken)
    {
        var url = new Uri(host.Addresses.DemoReceiver, DemoReceiver.Path).AbsoluteUri;
        var file = Path.Combine(host.Options.DataDirectory, "demo-webhook.json");
        var known = File.Exists(file) ? JsonNode.Parse(await File.ReadAllTextAsync(file, cancellationToken)) : null;
        var endpoints = (await SendAsync(merchant, HttpMethod.Get, "/v1/webhook_endpoints?limit=100", null, cancellationToken))["data"]!.AsArray();
        if (known is not null && endpoints.Any(e => (string?)e!["id"] == (string?)known["id"] && (string?)e!["url"] == url && (string?)e["status"] == "enabled"))
        {
            return (string)known["secret"]!;
        }

        // Another port than last time, or a secret that was lost: it is shown only once.
        foreach (var old in endpoints.Where(e => (string?)e!["url"] == url || (string?)e["id"] == (string?)known?["id"]))
        {
            await SendAsync(merchant, HttpMethod.Delete, $"/v1/webhook_endpoints/{(string)old!["id"]!}", null, cancellationToken);
        }

        var made = await SendAsync(merchant, HttpMethod.Post, "/v1/webhook_endpoints", new { url, description = "Demo receiver" }, cancellationToken);
        var kept = new JsonObject { ["id"] = (string?)made["id"], ["secret"] = (string?)made["secret"] };
        await PrivatePath.WriteAsync(file, kept.ToJsonString(), cancellationToken);
        return (string)made["secret"]!;
    }

    public async Task<string> TokenAsync(string number, CancellationToken cancellationToken)
    {
        var token = await SendAsync(shopper, HttpMethod.Post, "/v1/tokens", new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" } }, cancellationToken);
        return (string)token["id"]!;
    }

    /// <summary>Authorizes and captures in one call, and waits for what the provider leaves open.</summary>
    public async Task<JsonNode> PayAsync(string token, long amount, string currency, string orderId, CancellationToken cancellationToken)
    {
        var body = new
        {
            amount,
            currency,
            payment_method = new { token },
            capture_method = "automatic",
            description = "Demo payment",
            order_id = orderId,
            receipt_email = "customer@example.com",
        };
        var payment = await SendAsync(merchant, HttpMethod.Post, "/v1/payments", body, cancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        while ((string?)payment["status"] is "processing" or "authorizing" or "authorized" or "capturing" && TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(30))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            payment = await SendAsync(merchant, HttpMethod.Get, $"/v1/payments/{(string)payment["id"]!}", null, cancellationToken);
        }

        return payment;
    }

    /// <summary>The journals of a payment once there are <paramref name="expected"/>, or what there is when patience ends.</summary>
    public async Task<JsonArray> JournalsAsync(string paymentId, int expected, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var page = await SendAsync(operators, HttpMethod.Get, $"/ops/v1/ledger/journals?payment={paymentId}&limit=100", null, cancellationToken);
            var journals = page["data"]!.AsArray();
            if (journals.Count >= expected || TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromSeconds(20))
            {
                return journals;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    public async Task<JsonArray> TrialBalanceAsync(CancellationToken cancellationToken) =>
        (await SendAsync(operators, HttpMethod.Get, "/ops/v1/ledger/trial_balance", null, cancellationToken))["data"]!.AsArray();

    public void Dispose()
    {
        merchant.Dispose();
        shopper.Dispose();
        operators.Dispose();
    }

    private static HttpClient Client(Uri address, string key)
    {
        var client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    private static async Task<JsonNode> SendAsync(HttpClient client, HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = JsonContent.Create(body);
        }

        if (method == HttpMethod.Post)
        {
            request.Headers.Add("Idempotency-Key", "demo-" + TimeProvider.System.GetUtcNow().UtcTicks.ToString(CultureInfo.InvariantCulture));
        }

        using var answer = await client.SendAsync(request, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{method} {path} answered {(int)answer.StatusCode}: {text}");
        }

        return JsonNode.Parse(text.Length == 0 ? "{}" : text)!;
    }
}
