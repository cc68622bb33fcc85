using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Npgsql;
using Payments.AllInOne;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>A product that looks through its providers' charges all the time.</summary>
public sealed class ChargesProduct(EmbeddedServers servers) : ProductFixture(servers)
{
    public new const string Name = "charges";

    private int charges;

    protected override Dictionary<string, string?> Configuration() => new(base.Configuration())
    {
        ["Payments:Listing:IntervalMilliseconds"] = "500",
        ["Payments:Listing:Overlap"] = "00:00:12",
        ["Payments:LikelyDuplicatesMilliseconds"] = "1500000",
        ["Payments:Connectors:AuthorizeMilliseconds"] = "30000",
        ["Payments:Deadlines:Open"] = "00:00:45",
        ["Payments:Deadlines:Unknown"] = "00:00:00.500",
        ["Payments:Deadlines:MissingSpacing"] = "00:00:01",
        ["Payments:ResolverIntervalMilliseconds"] = "200",
    };

    /// <summary>A charge that somebody makes at Stripe itself, with whatever words along.</summary>
    public Task<string> ChargeAtStripeAsync(long amount, CancellationToken cancellationToken, string capture = "automatic", string currency = "usd", params (string Name, string Value)[] metadata) =>
        ChargeAtStripeAsync("pm_card_visa", amount, cancellationToken, capture, currency, metadata);

    /// <param name="card">By Stripe's name of a test card.</param>
    public async Task<string> ChargeAtStripeAsync(string card, long amount, CancellationToken cancellationToken, string capture = "automatic", string currency = "usd", params (string Name, string Value)[] metadata)
    {
        var form = new Dictionary<string, string>
        {
            ["amount"] = amount.ToString(CultureInfo.InvariantCulture),
            ["currency"] = currency,
            ["payment_method"] = card,
            ["payment_method_types[0]"] = "card",
            ["capture_method"] = capture,
            ["confirm"] = "true",
        };
        foreach (var (name, value) in metadata)
        {
            form[$"metadata[{name}]"] = value;
        }

        var intent = await PostStripeAsync("/v1/payment_intents", form, cancellationToken);
        return intent.GetProperty("id").GetString()!;
    }

    public async Task<JsonElement> PostStripeAsync(string path, Dictionary<string, string> form, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(form) };
        request.Headers.Authorization = new("Bearer", Host.Secrets.StripeApiKey);
        request.Headers.Add("Idempotency-Key", string.Create(CultureInfo.InvariantCulture, $"by-hand-{Interlocked.Increment(ref charges)}"));
        using var answer = await Simulators.SendAsync(request, cancellationToken);
        return await JsonAsync(answer, cancellationToken);
    }

    /// <summary>A charge that somebody makes at Adyen itself.</summary>
    public Task<string> ChargeAtAdyenAsync(long amount, CancellationToken cancellationToken, bool manual = false, string? reference = null, Dictionary<string, string>? metadata = null) =>
        ChargeAtAdyenAsync(Simulators, Host.Secrets.AdyenApiKey, amount, reference ?? string.Create(CultureInfo.InvariantCulture, $"by-hand-{Interlocked.Increment(ref charges)}"), cancellationToken, manual, metadata);

    internal static async Task<string> ChargeAtAdyenAsync(
        HttpClient simulators, string key, long amount, string reference, CancellationToken cancellationToken, bool manual = false, Dictionary<string, string>? metadata = null)
    {
        var body = new
        {
            merchantAccount = "PaymentsECOM",
            amount = new { currency = "USD", value = amount },
            reference,
            paymentMethod = new { type = "scheme", encryptedCardNumber = "test_4111111111111111", expiryMonth = "12", expiryYear = "2034", cvc = "737", holderName = "A" },
            returnUrl = "https://shop.example/",
            additionalData = new Dictionary<string, string> { ["manualCapture"] = manual ? "true" : "false" },
            metadata = metadata ?? [],
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v71/payments") { Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json") };
        request.Headers.Add("X-API-Key", key);
        using var answer = await simulators.SendAsync(request, cancellationToken);
        var made = await JsonAsync(answer, cancellationToken);
        Assert.Equal("Authorised", made.GetProperty("resultCode").GetString());
        return made.GetProperty("pspReference").GetString()!;
    }

    /// <summary>Switches a provider's webhooks off, or back to the product.</summary>
    public async Task WebhooksAsync(string provider, bool on, CancellationToken cancellationToken)
    {
        var url = on ? $"{Host.Addresses.Api.GetLeftPart(UriPartial.Authority)}/providers/{provider}/test/webhooks" : "";
        using var answer = await Simulators.PutAsJsonAsync("/settings", new Dictionary<string, string> { [$"{provider}_webhook_url"] = url }, cancellationToken);
        await JsonAsync(answer, cancellationToken);
    }

    public async Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await Operator.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        return await JsonAsync(answer, cancellationToken);
    }

    /// <summary>The first row of an operators' list for which something holds, once there is one.</summary>
    public async Task<JsonElement> FindAsync(string path, Func<JsonElement, bool> holds, CancellationToken cancellationToken)
    {
        JsonElement? found = null;
        await Eventually.BecomesTrueAsync(
            $"{path} shows it",
            async () =>
            {
                found = (await Fire.Shop.ListAsync(Operator, path, cancellationToken)).Cast<JsonElement?>().FirstOrDefault(row => holds(row!.Value));
                return found is null ? "not there" : null;
            },
            cancellationToken);
        return found!.Value;
    }

    public async Task<T> ScalarAsync<T>(string database, string sql, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString(database));
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async Task ExecuteAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString(database));
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Signed sum of the ledger's posted lines of a kind about a payment.</summary>
    public async Task<Dictionary<string, long>> LinesAsync(string payment, CancellationToken cancellationToken) =>
        (await Fire.Shop.ListAsync(Operator, $"/ops/v1/ledger/journals?payment={payment}", cancellationToken))
            .SelectMany(j => j.GetProperty("lines").EnumerateArray())
            .GroupBy(l => $"{l.GetProperty("action").GetString()} {l.GetProperty("kind").GetString()}")
            .ToDictionary(g => g.Key, g => g.Sum(l => l.GetProperty("amount").GetInt64()));

    /// <summary>Waits until all accounts of a kind in a currency hold this and nothing more is pending on them: the ledger follows what a payment says of itself.</summary>
    public Task HoldsAsync(string kind, string currency, long amount, CancellationToken cancellationToken) => Eventually.BecomesTrueAsync(
        $"{kind} holds {amount}",
        async () =>
        {
            var accounts = await Fire.Shop.ListAsync(Operator, $"/ops/v1/ledger/accounts?mode=test&kind={kind}&currency={currency}", cancellationToken);
            var (balance, pending) = (Sum("balance"), Sum("pending_debits") + Sum("pending_credits"));
            return (balance, pending) == (amount, 0) ? null : $"{balance}, {pending} pending";
            long Sum(string name) => accounts.Sum(a => a.GetProperty(name).GetInt64());
        },
        cancellationToken);

    public static string New<TId>()
        where TId : struct, IId<TId> => Ids.New<TId>().ToString()!;

    private static readonly IdSource Ids = new(TimeProvider.System);
}

[CollectionDefinition(ChargesProduct.Name)]
public sealed class ChargesCollectionDefinition : ICollectionFixture<ChargesProduct>;
