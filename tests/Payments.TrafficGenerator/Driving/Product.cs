using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Payments.TrafficGenerator.Driving;

/// <summary>A shop that the product knows: a merchant with its keys.</summary>
internal sealed record Shop(string Id, string SecretKey, string PublishableKey);

/// <summary>A running product, by the addresses and keys of its <c>run.json</c>.</summary>
internal sealed class Product : IDisposable
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(60) };
    private readonly RunFile run;
    private readonly string round;

    private Product(RunFile run, string round)
    {
        this.run = run;
        this.round = round;
    }

    /// <param name="round">Names this run, so that its requests are not those of another.</param>
    /// <exception cref="IOException">There is no such file, or it is not one.</exception>
    public static async Task<Product> ReadAsync(string path, string round, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = File.OpenRead(path);
            return new(await JsonSerializer.DeserializeAsync<RunFile>(file, Format, cancellationToken) ?? throw new JsonException("null"), round);
        }
        catch (JsonException e)
        {
            throw new IOException($"{path} does not tell the addresses and keys of a product.", e);
        }
    }

    public async Task<Shop> OpenShopAsync(string name, CancellationToken cancellationToken)
    {
        var merchant = await PostAsync(run.Api, run.OperatorKey, "/ops/v1/merchants", new { name }, $"shop-{name}", cancellationToken);
        var id = merchant.GetProperty("id").GetString()!;
        return new(id, await KeyAsync("secret"), await KeyAsync("publishable"));

        async Task<string> KeyAsync(string @class)
        {
            var key = await PostAsync(run.Api, run.OperatorKey, $"/ops/v1/merchants/{id}/keys", new { mode = "test", @class }, $"{@class}-{id}", cancellationToken);
            return key.GetProperty("key").GetString()!;
        }
    }

    /// <summary>The payment's status, once its challenge, if there was one, is done.</summary>
    public async Task<string> PayAsync(Shop shop, TrafficPayment payment, CancellationToken cancellationToken)
    {
        var key = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"p{payment.Number}");
        var card = new { number = TestNumbers.Of(payment), exp_month = 12, exp_year = 2034, cvc = "123" };
        var token = await PostAsync(run.Vault, shop.PublishableKey, "/v1/tokens", new { card }, key + "-token", cancellationToken);
        var made = await PostAsync(run.Api, shop.SecretKey, "/v1/payments", BodyOf(payment, token.GetProperty("id").GetString()!), key, cancellationToken);
        var status = made.GetProperty("status").GetString()!;
        if (status != "pending_3ds" || made.GetProperty("next_action").GetProperty("url").GetString() is not { } issuer)
        {
            return status;
        }

        using var form = new FormUrlEncodedContent([new("outcome", payment.PassesChallenge ? "approve" : "reject")]);
        using var answered = await http.PostAsync(new Uri(issuer), form, cancellationToken);
        if (answered.Headers.Location is { } back)
        {
            using var returned = await http.GetAsync(back, cancellationToken);
        }

        var read = await SendAsync(HttpMethod.Get, run.Api, shop.SecretKey, "/v1/payments/" + made.GetProperty("id").GetString(), null, null, cancellationToken);
        return read.GetProperty("status").GetString()! + " after a challenge";
    }

    public void Dispose() => http.Dispose();

    private static object BodyOf(TrafficPayment payment, string token) => new
    {
        amount = payment.AmountMinor,
        currency = payment.Currency,
        payment_method = new { token },
        customer_reference = payment.CustomerReference,
        order_id = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"traffic-{payment.Number}"),
        risk_context = payment.Ip is null && payment.Email is null ? null : new
        {
            ip = payment.Ip,
            user_agent = payment.Device?.UserAgent,
            device_id = payment.Device?.Id,
            email = payment.Email,
            billing_address = payment.BillingAddress,
            shipping_address = payment.ShippingAddress,
            session_seconds = payment.SessionSeconds,
            account_created_at = payment.AccountCreatedAt,
        },
    };

    private Task<JsonElement> PostAsync(string origin, string key, string path, object body, string once, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, origin, key, path, body, $"traffic-{round}-{once}".Replace(' ', '-'), cancellationToken);

    private async Task<JsonElement> SendAsync(HttpMethod method, string origin, string key, string path, object? body, string? once, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(new Uri(origin), path)) { Content = body is null ? null : JsonContent.Create(body, options: Format) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (once is not null)
        {
            request.Headers.Add("Idempotency-Key", once);
        }

        using var answer = await http.SendAsync(request, cancellationToken);
        if (answer.IsSuccessStatusCode)
        {
            return await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        }

        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        throw new HttpRequestException($"{method} {path}: {problem.GetProperty("code")}", null, answer.StatusCode == 0 ? HttpStatusCode.BadGateway : answer.StatusCode);
    }

    private sealed record RunFile(string Api, string Vault, string OperatorKey);
}
