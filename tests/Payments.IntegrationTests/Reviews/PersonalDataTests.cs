using System.Net;
using System.Text;
using System.Text.Json;
using Npgsql;
using Payments.IntegrationTests.CardSearch;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Reviews;

/// <summary>What a merchant tells of its customer: it reaches the fraud decision and nothing else, and goes when somebody asks for that.</summary>
[Collection(ProductFixture.Name)]
public sealed class PersonalDataTests(ProductFixture product) : IAsyncLifetime
{
    private const string Ip = "198.51.100.213";
    private const string Email = "planted.person@secret-mail.example";
    private const string Street = "17 Planted Lane";
    private const string Customer = "planted-customer-4711";
    private ReviewDesk desk = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static object Context => new
    {
        ip = Ip,
        user_agent = "PlantedBrowser/1.0",
        device_id = "planted-device",
        email = Email.ToUpperInvariant(),
        billing_address = new { line1 = Street, city = "Berlin", postal_code = "10115", country = "DE" },
        session_seconds = 340,
        account_created_at = "2025-03-01T09:00:00Z",
    };

    private readonly RecordedLogs logs = new();

    public async ValueTask InitializeAsync() => desk = await ReviewDesk.OpenAsync(product, logs);

    public async ValueTask DisposeAsync()
    {
        await desk.DisposeAsync();
        logs.Dispose();
    }

    [Fact]
    public async Task The_fraud_decision_is_asked_with_the_circumstances_and_one_hash_per_request()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var token = await desk.CardAsync(shop, "4242424242424242", new { ip = "203.0.113.9", device_id = "from-the-browser" });
        var key = FlowProduct.NewKey();

        var paid = await ReviewDesk.PayAsync(merchant, token, context: Context, customer: Customer, key: key);
        await ReviewDesk.PayAsync(merchant, token, context: Context, customer: Customer, key: key);
        var bare = await ReviewDesk.PayAsync(merchant, token);
        var nothing = await ReviewDesk.PayAsync(merchant, shop.Token);

        var asked = desk.Fraud.Of(paid.Id);
        Assert.Equal((Customer, Ip, Email, "planted-device", 340L), (asked.CustomerReference, asked.Context!.Ip, asked.Context.Email, asked.Context.DeviceId, asked.Context.SessionSeconds!.Value));
        Assert.Equal((Street, "DE", null), (asked.Context.BillingAddress!.Line1, asked.Context.BillingAddress.Country, asked.Context.ShippingAddress));
        Assert.Matches("^[0-9a-f]{64}$", asked.RequestHash!);
        Assert.Equal(3, desk.Fraud.Asked.Select(r => r.RequestHash).Distinct().Count());
        Assert.DoesNotContain(key, JsonSerializer.Serialize(asked), StringComparison.Ordinal);
        Assert.Equal(("203.0.113.9", "from-the-browser", null, null), (
            desk.Fraud.Of(bare.Id).Context!.Ip, desk.Fraud.Of(bare.Id).Context!.DeviceId, desk.Fraud.Of(bare.Id).Context!.Email, desk.Fraud.Of(bare.Id).CustomerReference));
        Assert.Null(desk.Fraud.Of(nothing.Id).Context);
    }

    [Fact]
    public async Task It_stands_readable_in_no_table_event_answer_or_log()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var token = await desk.CardAsync(shop, "4242424242424242", Context);
        desk.Review(71);
        var paid = await FlowProduct.PostAsync(
            merchant, "/v1/payments",
            new { amount = 5_000, currency = "USD", payment_method = new { token }, description = "visible-4711", risk_context = Context, customer_reference = Customer }, Token);
        var seen = await ReviewDesk.GetAsync(product.Operator, $"/ops/v1/reviews/{ReviewDesk.ReviewOf(paid.Id)}");
        Assert.Contains(Email, seen.ToString(), StringComparison.Ordinal);
        await Eventually.BecomesTrueAsync("the merchant is told", async () => (await ReviewDesk.EventsAsync(merchant, paid.Id)).Count > 0 ? null : "not yet", Token);
        var answers = new StringBuilder(paid.Body)
            .Append(await ReviewDesk.GetAsync(merchant, $"/v1/payments/{paid.Id}")).Append(await ReviewDesk.GetAsync(merchant, "/v1/events"))
            .Append(await ReviewDesk.GetAsync(product.Operator, $"/ops/v1/payments/{paid.Id}")).Append(await ReviewDesk.GetAsync(product.Operator, $"/ops/v1/reviews?merchant_id={shop.Id}"))
            .ToString();

        Assert.NotEmpty(await FindAsync("visible-4711"));
        Assert.Contains("/v1/payments", logs.Text, StringComparison.Ordinal);
        foreach (var planted in new[] { Ip, Email, Email.ToUpperInvariant(), Street, Customer, "PlantedBrowser", "planted-device" })
        {
            Assert.Empty(await FindAsync(planted));
            Assert.DoesNotContain(planted, answers, StringComparison.Ordinal);
            Assert.DoesNotContain(planted, logs.Text, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task A_person_is_erased_by_either_name_and_the_payments_stay()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var (other, otherMerchant) = await desk.ShopAsync("stripe");
        var token = await desk.CardAsync(shop, "4242424242424242", new { email = Email, ip = Ip });
        var byCustomer = await ReviewDesk.PayAsync(merchant, token, context: new { ip = Ip }, customer: Customer);
        var byEmail = await ReviewDesk.PayAsync(merchant, shop.Token, context: new { email = Email });
        var kept = await ReviewDesk.PayAsync(merchant, shop.Token, context: new { email = "somebody.else@example.com" }, customer: "another");
        var others = await ReviewDesk.PayAsync(otherMerchant, other.Token, context: new { email = Email }, customer: Customer);

        var key = FlowProduct.NewKey();
        var erased = await FlowProduct.PostAsync(merchant, "/v1/erasures", new { customer_reference = Customer }, Token, key);
        var replayed = await FlowProduct.PostAsync(merchant, "/v1/erasures", new { customer_reference = Customer }, Token, key);
        var again = await FlowProduct.PostAsync(merchant, "/v1/erasures", new { customer_reference = Customer }, Token);

        Assert.Equal((HttpStatusCode.OK, 1, 1), (erased.Status, erased.Json.GetProperty("payments").GetInt32(), erased.Json.GetProperty("tokens").GetInt32()));
        Assert.Equal((erased.Body, true), (replayed.Body, replayed.Replayed));
        Assert.Equal((0, 0), (again.Json.GetProperty("payments").GetInt32(), again.Json.GetProperty("tokens").GetInt32()));
        var afterwards = await ReviewDesk.PayAsync(merchant, token);
        Assert.Null(desk.Fraud.Of(afterwards.Id).Context);
        using var operators = await product.PostAsync(
            product.Operator, "/ops/v1/erasures", new { merchant_id = shop.Id, mode = "test", reason = "Asked by letter", email = Email.ToUpperInvariant() }, Token);
        Assert.Equal(1, (await ProductFixture.JsonAsync(operators, Token)).GetProperty("payments").GetInt32());
        using var single = await merchant.DeleteAsync(new Uri($"/v1/payments/{kept.Id}/risk_context", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.NoContent, single.StatusCode);

        Assert.Equal((0L, 0L), await KeptAsync(byCustomer.Id, byEmail.Id, kept.Id));
        Assert.Equal((1L, 1L), await KeptAsync(others.Id));
        foreach (var payment in new[] { byCustomer.Id, byEmail.Id, kept.Id })
        {
            Assert.Equal("captured", (await ReviewDesk.GetAsync(merchant, $"/v1/payments/{payment}")).GetProperty("status").GetString());
        }

        var audited = (await ReviewDesk.GetAsync(product.Operator, "/ops/v1/audit_entries?limit=100")).ToString();
        Assert.Contains("erasure.create", audited, StringComparison.Ordinal);
        Assert.DoesNotContain(Email, audited, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(3, await CountAsync("SELECT count(*) FROM erasures WHERE payments = 1 AND merchant_id = (SELECT merchant_id FROM payments WHERE id = $1)", kept.Id));
    }

    private async Task<(long Contexts, long Keys)> KeptAsync(params string[] payments)
    {
        long contexts = 0, keys = 0;
        foreach (var payment in payments)
        {
            contexts += await CountAsync("SELECT count(*) FROM risk_contexts WHERE payment_id = $1", payment);
            keys += await CountAsync("SELECT count(*) FROM risk_context_keys WHERE payment_id = $1", payment);
        }

        return (contexts, keys);
    }

    private async Task<long> CountAsync(string sql, string payment)
    {
        Assert.True(Core.Id.TryParse<Core.PaymentId>(payment, out var id));
        await using var database = NpgsqlDataSource.Create(product.ConnectionString(Platform.Names.Databases.Payments));
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = id.Value });
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    /// <summary>The tables of all services that hold a text, as it is or as bytes; the events of the outbox and stored answers are among them.</summary>
    private async Task<List<string>> FindAsync(string text)
    {
        var hex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
        var found = new List<string>();
        foreach (var name in Places.DatabaseNames)
        {
            await using var database = NpgsqlDataSource.Create(product.ConnectionString(name));
            var tables = new List<string>();
            await using (var list = database.CreateCommand("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"))
            {
                await using var row = await list.ExecuteReaderAsync(Token);
                while (await row.ReadAsync(Token))
                {
                    tables.Add(row.GetString(0));
                }
            }

            foreach (var table in tables)
            {
                await using var search = database.CreateCommand($"SELECT EXISTS (SELECT FROM {table} AS t WHERE position($1 IN t::text) > 0 OR position($2 IN t::text) > 0)");
                search.Parameters.Add(new() { Value = text });
                search.Parameters.Add(new() { Value = hex });
                if (await search.ExecuteScalarAsync(Token) is true)
                {
                    found.Add($"{name} {table}");
                }
            }
        }

        return found;
    }
}
