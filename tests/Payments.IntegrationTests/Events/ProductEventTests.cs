using Npgsql;
using Payments.Core.Events;
using Payments.IntegrationTests.Fire;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Events;

/// <summary>The events of real payments, in the whole product.</summary>
[Collection(ProductFixture.Name)]
public sealed class ProductEventTests(ProductFixture product)
{
    private static readonly string[] Consumers = [Names.Databases.Ledger, Names.Databases.Webhooks];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_of_real_payments_match_the_published_schemas()
    {
        string[] payments = [await PayAsync("automatic"), await PayAsync("manual"), await PayAsync("manual"), await PayAsync("automatic", "4000000000009995")];
        await ActAsync(payments[0], "refunds", new { amount = 1_000 });
        await ActAsync(payments[1], "capture", new { amount = 2_000 });
        await ActAsync(payments[2], "void", new { });
        // A provider may take its time.
        foreach (var (payment, status) in new[] { (payments[0], "partially_refunded"), (payments[1], "captured"), (payments[2], "voided") })
        {
            await UntilAsync(payment, status);
        }

        while (await QueryAsync<long>(Names.Databases.Payments, "SELECT count(*) FROM outbox_heads AS h JOIN outbox_produced AS p USING (partition) WHERE p.seq < h.seq") > 0)
        {
            await Task.Delay(100, Cancelled);
        }

        var broker = product.Host.Backends.Kafka!;
        var messages = WireMessages.Read(broker, WireMessages.Count(broker), Cancelled).Select(WireMessages.Document).ToArray();

        var (_, errors) = await WireMessages.ValidateAsync(messages, Cancelled);
        Assert.All(errors, Assert.Empty);
        var types = messages.Where(m => payments.Contains((string?)m["subject"])).Select(m => (string)m["type"]!).ToHashSet();
        string[] expected = [PaymentEventTypes.Authorized, PaymentEventTypes.Captured, PaymentEventTypes.Refunded, PaymentEventTypes.Voided, PaymentEventTypes.Declined];
        Assert.Superset(expected.ToHashSet(), types);
    }

    [Fact]
    public async Task The_products_broker_may_be_wiped_under_traffic_and_when_quiet()
    {
        var token = await product.TokenAsync(Cancelled);
        var paying = Task.WhenAll(Enumerable.Range(0, 60).Select(i => PayAsync(i % 3 == 0 ? "manual" : "automatic", token: token)));
        for (var i = 0; i < 5; i++)
        {
            product.Host.Backends.Kafka!.Wipe();
            await Task.Delay(200, Cancelled);
        }

        var payments = await paying;
        await AppliedAsync();
        await PayAsync("automatic", token: token);
        product.Host.Backends.Kafka!.Wipe();
        await AppliedAsync();

        Assert.Equal(60, payments.Distinct().Count());
        static string Places(string seq) => $"string_agg(partition || ':' || {seq}, ',' ORDER BY partition, {seq})";
        const string Ids = "SELECT string_agg(id::text, ',' ORDER BY id)";
        await SameAsync(
            (Names.Databases.Payments, $"SELECT {Places("seq")} FROM outbox WHERE type = 'payment.captured'"),
            (Names.Databases.Ledger, $"SELECT {Places("event_seq")} FROM ledger.journals WHERE event_type = 'payment.captured'"));
        await SameAsync((Names.Databases.Payments, $"{Ids} FROM outbox"), (Names.Databases.Webhooks, $"{Ids} FROM events"));
        foreach (var consumer in Consumers)
        {
            Assert.Equal(0, await QueryAsync<long>(consumer, "SELECT count(*) FROM dead_letters"));
            Assert.Equal(0, await QueryAsync<long>(consumer, "SELECT count(*) FROM event_consumers WHERE halted_at IS NOT NULL"));
        }
    }

    private async Task<string> PayAsync(string captureMethod, string card = "4242424242424242", string? token = null)
    {
        token ??= await product.TokenAsync(Cancelled, card);
        using var answer = await product.PostAsync(
            product.Merchant, "/v1/payments", new { amount = 5_000, currency = "USD", payment_method = new { token }, capture_method = captureMethod }, Cancelled);
        return (await ProductFixture.JsonAsync(answer, Cancelled)).GetProperty("id").GetString()!;
    }

    private async Task ActAsync(string payment, string what, object body)
    {
        using var answer = await product.PostAsync(product.Merchant, $"/v1/payments/{payment}/{what}", body, Cancelled);
        await ProductFixture.JsonAsync(answer, Cancelled);
    }

    private async Task UntilAsync(string payment, string status)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        while (true)
        {
            using var answer = await product.Merchant.GetAsync(new Uri("/v1/payments/" + payment, UriKind.Relative), Cancelled);
            var shown = await ProductFixture.JsonAsync(answer, Cancelled);
            if (shown.GetProperty("status").GetString() == status)
            {
                return;
            }

            Assert.False(patience.IsCancellationRequested, $"The payment stayed at {shown}");
            await Task.Delay(100, Cancelled);
        }
    }

    /// <summary>Waits until every consumer has applied all that the log holds.</summary>
    private async Task AppliedAsync()
    {
        foreach (var consumer in Consumers)
        {
            while (await QueryAsync<decimal>(consumer, "SELECT COALESCE(sum(seq), 0) FROM checkpoints") < await QueryAsync<decimal>(Names.Databases.Payments, "SELECT sum(seq) FROM outbox_heads"))
            {
                await Task.Delay(100, Cancelled);
            }
        }
    }

    /// <summary>Whole tables are compared: an earlier test's late event may come between two looks, and is there at the next.</summary>
    private Task SameAsync((string Database, string Sql) one, (string Database, string Sql) other) =>
        Eventually.BecomesTrueAsync(
            $"{one.Database} and {other.Database} agree",
            async () => await QueryAsync<string>(one.Database, one.Sql) == await QueryAsync<string>(other.Database, other.Sql) ? null : "they differ", Cancelled);

    private async Task<T> QueryAsync<T>(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(product.ConnectionString(database));
        return await source.ScalarAsync<T>(sql, Cancelled);
    }
}
