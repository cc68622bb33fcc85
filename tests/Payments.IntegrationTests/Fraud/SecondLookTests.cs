using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Live;
using Payments.Fraud.Registry;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Payments.IntegrationTests.Product;
using Payments.Platform;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Fraud;

/// <summary>What was approved is scored again when one of its parties turns out to have taken part in fraud.</summary>
public sealed class SecondLookTests(EmbeddedServers servers) : IAsyncLifetime
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private ModelReplica replica = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var connection = await servers.CreateDatabaseAsync(Shapes.Fraud, Cancel);
        replica = new(connection);
        await replica.StartAsync(Cancel);
        var model = await replica.Registry.AddAsync(Ids.New<FraudModelId>(), Mode.Live, null, ModelSample.OfKnownFrauds("known frauds"), 1_000, "test", Cancel);
        await replica.Registry.PromoteAsync(model.Id, ModelState.Champion, "test", Cancel);
        await replica.Feed.RoundAsync(Cancel);
    }

    public ValueTask DisposeAsync() => replica.DisposeAsync();

    [Fact]
    public async Task Payments_of_the_same_card_customer_address_device_or_email_are_suspected_and_told_once()
    {
        var path = new PaymentPath();
        await LookAsync(path);
        var fraud = await DecidedAsync(Request(card: 1, device: "d-1", customer: "c-1"));
        //  payment, whether the payment path hears of it
        var cases = new (string Name, FraudRequest Payment, string Factor, string? Answer, TimeSpan Age, bool Told)[]
        {
            ("same card", Request(card: 1), "", "approved", TimeSpan.Zero, true),
            ("same card, no answer yet", Request(card: 1), "", null, TimeSpan.Zero, true),
            ("same card, allowed by a list", Request(card: 1), "allowlisted_customer", "approved", TimeSpan.Zero, false),
            ("same card, declined", Request(card: 1), "", "declined", TimeSpan.Zero, false),
            ("same card, beyond a week", Request(card: 1), "", "approved", TimeSpan.FromDays(7.1), false),
            ("another card, all else another too", Request(card: 2), "", "approved", TimeSpan.Zero, false),
            ("the card only at its own fraud", Request(card: 3, device: "d-1"), "", "approved", TimeSpan.Zero, false),
        };
        foreach (var (_, payment, factor, answer, age, _) in cases)
        {
            await DecidedAsync(payment, factor, answer, age);
        }

        await LabelAsync(fraud);
        await replica.Feed.RoundAsync(Cancel);
        await Task.WhenAll(LookAsync(path), LookAsync(path));
        await LookAsync(path);

        Assert.Equal(
            cases.Where(c => c.Told).Select(c => $"{c.Payment.PaymentId} {SecondLook.Actor}").Order(StringComparer.Ordinal), path.Told.Order(StringComparer.Ordinal));
        // The device was looked at as well: by this model it does not matter.
        Assert.Equal("false", await replica.ScalarAsync<string>($"SELECT suspected::text FROM second_looks WHERE payment_id = '{cases[6].Payment.PaymentId.Value}'", Cancel));
        Assert.Equal(2L, await replica.ScalarAsync<long>("SELECT count(*) FROM second_looks WHERE suspected AND released AND told_at IS NOT NULL AND score > 85 AND score_before < 10", Cancel));

        // Another fraud of that card is news to nobody.
        await LabelAsync(await DecidedAsync(Request(card: 1)));
        await replica.Feed.RoundAsync(Cancel);
        await LookAsync(path);
        Assert.Equal(2, path.Told.Count);
    }

    [Fact]
    public async Task While_the_payment_path_is_away_or_does_not_know_yet_it_is_told_later()
    {
        var path = new PaymentPath();
        await LookAsync(path);
        var (fraud, held) = (await DecidedAsync(Request(card: 1)), await DecidedAsync(Request(card: 1)));
        await LabelAsync(fraud);
        await replica.Feed.RoundAsync(Cancel);

        path.Answer = () => throw new HttpRequestException("refused");
        await Assert.ThrowsAsync<HttpRequestException>(() => LookAsync(path));
        path.Answer = () => new(HttpStatusCode.ServiceUnavailable);
        await LookAsync(path);
        path.Answer = () => PaymentPath.Json("processing", voided: false);
        await LookAsync(path);
        Assert.Equal(1L, await replica.ScalarAsync<long>("SELECT count(*) FROM second_looks WHERE suspected AND told_at IS NULL", Cancel));

        path.Answer = () => PaymentPath.Json("captured", voided: false);
        await LookAsync(path);
        await LookAsync(path);

        Assert.Equal(4, path.Told.Count);
        Assert.All(path.Told, told => Assert.StartsWith(held.PaymentId.ToString(), told, StringComparison.Ordinal));
        Assert.Equal("false", await replica.ScalarAsync<string>("SELECT released::text FROM second_looks", Cancel));
    }

    [Fact]
    public async Task However_many_a_fraud_touches_are_looked_at_once_and_without_a_model_none()
    {
        var path = new PaymentPath();
        await LookAsync(path);
        var (fraud, one) = (await DecidedAsync(Request(card: 1)), await DecidedAsync(Request(card: 1)));
        const int Many = 1_100;
        await replica.ExecuteAsync(
            """
            WITH made AS (SELECT gen_random_uuid() AS id FROM generate_series(1, $2)),
            attempted AS (
                INSERT INTO attempts (attempt, mode, payment_id, merchant_id, card, at, in_redis)
                SELECT m.id, a.mode, m.id, a.merchant_id, a.card, a.at, true FROM made AS m, attempts AS a WHERE a.payment_id = $1),
            decided AS (
                INSERT INTO decisions (payment_id, merchant_id, mode, score, verdict, factors, attempt)
                SELECT m.id, d.merchant_id, d.mode, 5, 'approve', '{}', m.id FROM made AS m, decisions AS d WHERE d.payment_id = $1)
            INSERT INTO model_rows (payment_id, mode, merchant_id, at, amount, card, customer, ip, device, email, ordinary, catalogue, features)
            SELECT m.id, r.mode, r.merchant_id, r.at, r.amount, r.card, r.customer, r.ip, r.device, r.email, r.ordinary, r.catalogue, r.features
            FROM made AS m, model_rows AS r WHERE r.payment_id = $1
            """,
            Cancel, one.PaymentId.Value, Many - 1);
        await replica.ExecuteAsync("UPDATE models SET state = 'retired'", Cancel);
        await LabelAsync(fraud);
        await replica.Feed.RoundAsync(Cancel);
        await LookAsync(path);
        Assert.Equal(0L, await replica.ScalarAsync<long>("SELECT count(*) FROM second_looks", Cancel));

        await replica.ExecuteAsync("UPDATE models SET state = 'champion'", Cancel);
        await replica.ExecuteAsync("UPDATE second_look_progress SET reached = reached - interval '1 minute'", Cancel);
        await replica.Feed.RoundAsync(Cancel);
        for (var told = -1; path.Told.Count != told;)
        {
            told = path.Told.Count;
            await LookAsync(path);
        }

        Assert.Equal((long)Many, await replica.ScalarAsync<long>("SELECT count(*) FROM second_looks WHERE told_at IS NOT NULL", Cancel));
        Assert.Equal((Many, Many), (path.Told.Count, path.Told.Distinct().Count()));
    }

    private Task LookAsync(PaymentPath path) => new SecondLook(
        replica.Database, replica.Features, replica.Models, replica.Metrics, path, new ModelOptions(), TimeProvider.System, NullLogger<SecondLook>.Instance).RoundAsync(Cancel);

    private static FraudRequest Request(int card, string? device = null, string? customer = null) => new(
        Ids.New<PaymentId>(), Ids.New<MerchantId>(), Mode.Live, 7_000, "USD", card.ToString("x64", CultureInfo.InvariantCulture), "visa", "400000", "US", "credit")
    {
        Context = new RiskContext(DeviceId: device),
        CustomerReference = customer,
    };

    /// <summary>A payment as the fraud service leaves it: scored, its attempt counted, its decision kept, and perhaps an answer.</summary>
    private async Task<FraudRequest> DecidedAsync(FraudRequest request, string factor = "", string? answer = "approved", TimeSpan age = default)
    {
        var at = TimeProvider.System.GetUtcNow() - age;
        var stored = await replica.ScalarAsync<long>("SELECT count(*) FROM model_rows", Cancel);
        await replica.ScoreAsync(request, at, Cancel);
        await replica.StoredAsync(stored + 1, Cancel);
        var keys = ModelReplica.Hash.Of(request);
        await replica.ExecuteAsync(
            """
            INSERT INTO attempts (attempt, mode, payment_id, merchant_id, card, customer, device, at, in_redis) VALUES ($1, 'live', $1, $2, $3, $4, $5, $6, true)
            """,
            Cancel, request.PaymentId.Value, request.MerchantId.Value, keys.Card, keys.Customer, keys.Device, at);
        await replica.ExecuteAsync(
            "INSERT INTO decisions (payment_id, merchant_id, mode, score, verdict, factors, attempt) VALUES ($1, $2, 'live', 5, 'approve', $3, $1)",
            Cancel, request.PaymentId.Value, request.MerchantId.Value, factor.Length == 0 ? Array.Empty<string>() : [factor]);
        if (answer is not null)
        {
            await replica.ExecuteAsync("INSERT INTO model_answers (payment_id, kind, mode, at) VALUES ($1, $2, 'live', $3)", Cancel, request.PaymentId.Value, answer, at);
        }

        return request;
    }

    private Task LabelAsync(FraudRequest request) => replica.ExecuteAsync(
        "INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at) VALUES ('live', $1, $2, true, 'chargeback', clock_timestamp())",
        Cancel, request.MerchantId.Value, request.PaymentId.Value);

    /// <summary>Stands where the payment path does.</summary>
    private sealed class PaymentPath : HttpMessageHandler, IHttpClientFactory
    {
        private readonly Lock gate = new();

        public List<string> Told { get; } = [];

        public Func<HttpResponseMessage> Answer { get; set; } = () => Json("voiding", voided: true);

        public static HttpResponseMessage Json(string status, bool voided) =>
            new(HttpStatusCode.OK) { Content = JsonContent.Create(new { payment_id = Ids.New<PaymentId>().ToString(), status, voided }) };

        public HttpClient CreateClient(string name) => new(this, disposeHandler: false) { BaseAddress = new Uri("http://payment-path.example") };

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadFromJsonAsync<JsonElement>(cancellationToken);
            lock (gate)
            {
                Told.Add($"{request.RequestUri!.Segments[^2].TrimEnd('/')} {body.GetProperty("actor").GetString()}");
            }

            return Answer();
        }
    }
}

/// <summary>The same in the whole product: a refund for fraud releases what the same card still holds elsewhere.</summary>
[Collection(ProductFixture.Name)]
public sealed class SecondLookProductTests(ProductFixture product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hold_is_released_when_its_card_turns_out_to_be_stolen_elsewhere()
    {
        using var seller = await Shop.OpenAsync(product, "Second look, seller", Token, "stripe");
        using var other = await Shop.OpenAsync(product, "Second look, other", Token, "adyen");
        var services = product.Host.ServicesOf(Names.Services.Fraud);
        var registry = services.GetRequiredService<ModelRegistry>();
        var model = await registry.AddAsync(new IdSource(TimeProvider.System).New<FraudModelId>(), Mode.Test, null, ModelSample.OfKnownFrauds("second look"), 1_000, "test", Token);
        await registry.PromoteAsync(model.Id, ModelState.Champion, "test", Token);
        try
        {
            await Eventually.BecomesTrueAsync(
                "the model is in use", () => Task.FromResult(services.GetRequiredService<LoadedModels>().Of(Mode.Test).Champion?.Record.Id == model.Id ? null : "not yet"), Token);
            var stolen = await PayAsync(seller, "3566002020360505", "automatic");
            var (held, unlike) = (await PayAsync(other, "3566002020360505", "manual"), await PayAsync(other, "6011111111111117", "manual"));
            await UntilAsync(seller, stolen, "captured");
            await UntilAsync(other, held, "authorized");

            var refund = await FlowProduct.PostAsync(seller.Merchant, $"/v1/payments/{stolen}/refunds", new { reason = "fraudulent" }, Token);

            Assert.True(refund.Status == HttpStatusCode.Created, refund.Body);
            await UntilAsync(other, held, "voided");
            Assert.Equal("authorized", (await GetAsync(other.Merchant, unlike)).GetProperty("status").GetString());
            var recovery = Assert.Single((await Shop.ListAsync(product.Operator, $"/ops/v1/recoveries?payment={held}", Token)));
            Assert.Equal(("suspected_fraud_voided", SecondLook.Actor), (recovery.GetProperty("kind").GetString(), recovery.GetProperty("actor").GetString()));
        }
        finally
        {
            // Other tests of this product are decided by rules alone, as before.
            await using var database = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Fraud));
            await using var command = database.CreateCommand("UPDATE models SET state = 'retired' WHERE id = $1");
            command.Parameters.Add(new() { Value = model.Id.Value });
            await command.ExecuteNonQueryAsync(CancellationToken.None);
            await Eventually.BecomesTrueAsync(
                "the model is no longer in use", () => Task.FromResult(services.GetRequiredService<LoadedModels>().Of(Mode.Test).Champion?.Record.Id != model.Id ? null : "not yet"), CancellationToken.None);
        }
    }

    private async Task<string> PayAsync(Shop shop, string number, string capture)
    {
        using var tokenised = await product.PostAsync(shop.Shopper, "/v1/tokens", new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" } }, Token);
        var token = (await ProductFixture.JsonAsync(tokenised, Token)).GetProperty("id").GetString()!;
        var paid = await FlowProduct.PostAsync(shop.Merchant, "/v1/payments", new { amount = 5_000, currency = "USD", payment_method = new { token }, capture_method = capture }, Token);
        Assert.True(paid.Status == HttpStatusCode.Created, paid.Body);
        return paid.Id;
    }

    private static async Task<JsonElement> GetAsync(HttpClient merchant, string payment)
    {
        using var answer = await merchant.GetAsync(new Uri($"/v1/payments/{payment}", UriKind.Relative), Token);
        return await ProductFixture.JsonAsync(answer, Token);
    }

    private static Task UntilAsync(Shop shop, string payment, string status) => Eventually.BecomesTrueAsync(
        $"payment {payment} is {status}",
        async () => await GetAsync(shop.Merchant, payment) is var seen && seen.GetProperty("status").GetString() == status ? null : seen.ToString(),
        Token);
}
