using System.Diagnostics;
using System.Net;
using System.Text;
using Confluent.Kafka;
using Npgsql;
using Payments.Simulators.Cards;

namespace Payments.IntegrationTests.CardSearch;

/// <summary>
/// Card numbers and security codes pass through the vault's memory and stay nowhere. The product is searched once more when the tests
/// that share it have ended (<see cref="ProductFixture"/>), the files of every server when all have (<see cref="EmbeddedServers"/>).
/// </summary>
[Collection(ProductFixture.Name)]
public sealed class CardDataTests(ProductFixture product, EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_card_data_is_left_in_any_database_log_message_or_span()
    {
        using var spans = new RecordedSpans(planted: false);
        await UseEveryCardAsync();

        var (found, messages) = await Places.ProductAsync(product.Host, Cancel);
        found.AddRange(spans.Found);
        found.AddRange(await CardDataSearch.InFilesAsync(product.Host.Options.DataDirectory, planted: true, Cancel));
        Assert.Empty(found);
        Assert.True(spans.Count > 0);
        Assert.True(messages > 0);
    }

    [Fact]
    public async Task Card_data_planted_in_a_database_is_found()
    {
        var database = await servers.CreateDatabaseAsync(Cancel);
        await using (var source = NpgsqlDataSource.Create(database))
        {
            await using var plant = source.CreateCommand(
                $"CREATE TABLE planted (id integer, note bytea); INSERT INTO planted VALUES (1, convert_to('paid with {CardDataSearch.PlantedNumber}', 'UTF8'))");
            await plant.ExecuteNonQueryAsync(Cancel);
        }

        Assert.Equal(["public.planted: a card number"], await Places.DatabaseAsync(database, Cancel));
    }

    [Fact]
    public async Task Card_data_planted_in_a_message_is_found()
    {
        var broker = await servers.KafkaAsync(Cancel);
        broker.CreateTopic("planted", 1);
        using (var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = broker.BootstrapServers }).Build())
        {
            await producer.ProduceAsync("planted", new() { Value = Encoding.UTF8.GetBytes("""{"card": {"cvc": "123"}}"""), Headers = [] }, Cancel);
        }

        Assert.Equal(["planted/0: a security code"], Places.Topic(broker.BootstrapServers, "planted", 1, out _));
    }

    [Fact]
    public void Card_data_planted_in_a_span_is_found()
    {
        using var source = new ActivitySource("Payments.IntegrationTests.Planted");
        using var spans = new RecordedSpans(planted: true);
        using (var span = source.StartActivity("planted"))
        {
            span!.SetTag("note", $"paid with {CardDataSearch.PlantedNumber}").AddEvent(new ActivityEvent("sent", tags: new() { ["body"] = $"cvc={CardDataSearch.PlantedCode}" }));
        }

        Assert.Equal(["span planted: a card number", "span planted: a security code"], spans.Found.Where(f => f.StartsWith("span planted:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Card_data_planted_in_a_file_is_found_wherever_it_stands()
    {
        var directory = servers.CreateDirectory();
        var filler = new string('x', (1 << 20) - 8);
        await File.WriteAllTextAsync(Path.Combine(directory, "log"), $"{filler}{CardDataSearch.PlantedNumber}", Cancel);
        await File.WriteAllTextAsync(Path.Combine(directory, "grouped"), "4000-0099-9000-1237", Cancel);
        await File.WriteAllTextAsync(Path.Combine(directory, "code"), $$"""{{filler}} {"cvc": "{{CardDataSearch.PlantedCode}}"}""", Cancel);
        await File.WriteAllTextAsync(Path.Combine(directory, "clean"), $"{filler} cvc_result=match", Cancel);
        Assert.Equal(
            ["code: a security code", "grouped: a card number", "log: a card number"],
            (await CardDataSearch.InFilesAsync(directory, planted: true, Cancel)).Order(StringComparer.Ordinal));
        Assert.Empty(await CardDataSearch.InFilesAsync(directory, planted: false, Cancel));
    }

    [Theory]
    [InlineData("card 4242424242424242")]
    [InlineData("card=4242 4242 4242 4242;")]
    [InlineData("\"cvc\":\"123\"")]
    [InlineData("debit of 000123456789")]
    [InlineData("cvv=1234")]
    [InlineData("{\\\"cvc\\\": \\\"123\\\"}")]
    public void Card_data_planted_in_text_is_found(string text) => Assert.NotEmpty(CardDataSearch.InText(text, "text"));

    [Theory]
    [InlineData("last4 4242 bin 424242")]
    [InlineData("cvc_result=match, score 123")]
    [InlineData("pay_01jd3v6w9m4242424242abcdef")]
    public void What_only_resembles_card_data_is_left_alone(string text) => Assert.Empty(CardDataSearch.InText(text, "text"));

    /// <summary>Every card through the vault, and on to a payment; and every way of sending a card wrongly that could end up in a message.</summary>
    private async Task UseEveryCardAsync()
    {
        await Parallel.ForEachAsync(TestCards.All, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (card, cancel) =>
        {
            using var made = await product.PostAsync(product.Shopper, "/v1/tokens", Card(card), cancel);
            if ((int)made.StatusCode / 100 == 4)
            {
                // A card that no provider stores.
                return;
            }

            var token = (await ProductFixture.JsonAsync(made, cancel)).GetProperty("id").GetString();
            using var paid = await product.PostAsync(product.Merchant, "/v1/payments", new { amount = 1200, currency = "USD", payment_method = new { token } }, cancel);
            Assert.True(paid.StatusCode is HttpStatusCode.Created or HttpStatusCode.Accepted, await paid.Content.ReadAsStringAsync(cancel));
        });

        await Parallel.ForEachAsync(TestBankAccounts.All, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (account, cancel) =>
        {
            using var made = await product.PostAsync(product.Shopper, "/v1/tokens", Flow.Shop.BankAccount(account.Number), cancel);
            var token = (await ProductFixture.JsonAsync(made, cancel)).GetProperty("id").GetString();
            using var paid = await product.PostAsync(product.Merchant, "/v1/payments", new { amount = 1200, currency = "USD", payment_method = new { type = "ach", token } }, cancel);
            Assert.True(paid.StatusCode is HttpStatusCode.Created or HttpStatusCode.Accepted, await paid.Content.ReadAsStringAsync(cancel));
        });

        object[] wrong =
        [
            Flow.Shop.BankAccount("000123456789", holder: "Ada 000123456789"),
            new { bank_account = new { routing_number = "110000001", account_number = "000123456789", account_type = "checking", holder_name = "Ada", holder_type = "individual" } },
            new { bank_account = new { routing_number = "110000000", account_number = new[] { "000123456789" } } },
            new { bank_account = "000123456789", account_number = "000123456789" },
            new { card = new { number = "4242424242424242", exp_month = 13, exp_year = 2034, cvc = "123" } },
            new { card = new { number = "4242424242424242", exp_month = 12, exp_year = 2034, cvc = "123", colour = "4242424242424242" } },
            new { card = new { number = 4242424242424242, exp_month = 12, exp_year = 2034, cvc = 123 } },
            new { card = "4242424242424242" },
            new { number = "4242424242424242" },
        ];
        foreach (var body in wrong)
        {
            foreach (var (client, path) in new[] { (product.Shopper, "/v1/tokens"), (product.Merchant, "/v1/payments") })
            {
                using var answer = await product.PostAsync(client, path, body, Cancel);
                var told = await answer.Content.ReadAsStringAsync(Cancel);
                Assert.True((int)answer.StatusCode / 100 == 4, $"{path} answered {(int)answer.StatusCode}: {told}");
                Assert.Empty(CardDataSearch.InText(told, path));
            }
        }

        using var reused = await product.PostAsync(product.Shopper, "/v1/tokens", Card(TestCards.All[0]), Cancel, "card-data-reused");
        using var mismatched = await product.PostAsync(product.Shopper, "/v1/tokens", Card(TestCards.All[1]), Cancel, "card-data-reused");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, mismatched.StatusCode);
    }

    private static object Card(TestCard card) => new { card = new { number = card.Number, exp_month = 12, exp_year = 2034, cvc = card.Brand == "amex" ? "1234" : "123" } };
}
