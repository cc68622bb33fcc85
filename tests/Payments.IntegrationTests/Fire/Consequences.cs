using System.Globalization;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Webhooks;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Fire;

/// <summary>Everything that one shop's payments caused: in the providers' books, the event log, the ledger and at the shop's own server.</summary>
internal sealed class Consequences(ProductFixture product, Shop shop, string endpoint, MerchantServer server)
{
    private static readonly string[] Quiet = ["authorized", "captured", "voided", "partially_refunded"];

    // What each event that moves or holds money writes into the ledger, as lines "action kind"; those with an amount of zero are left out.
    private static readonly Dictionary<string, string[]> Posted = new()
    {
        ["payment.authorized"] = ["hold authorization"],
        ["payment.captured"] = ["release authorization", "post capture", "post commission", "post provider_cost"],
        ["payment.voided"] = ["release authorization"],
        ["payment.refunded"] = ["post refund"],
    };

    /// <summary>Registers the server for all events of the shop.</summary>
    public static async Task<Consequences> FollowAsync(ProductFixture product, Shop shop, MerchantServer server, CancellationToken cancellationToken)
    {
        using var made = await product.PostAsync(shop.Merchant, "/v1/webhook_endpoints", new { url = server.Url.ToString() }, cancellationToken);
        return new Consequences(product, shop, (await ProductFixture.JsonAsync(made, cancellationToken)).GetProperty("id").GetString()!, server);
    }

    /// <summary>Waits until nothing is under way any more.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        await Eventually.BecomesTrueAsync(
            "payments come to rest",
            async () => (await Shop.ListAsync(shop.Merchant, "/v1/payments", cancellationToken)).Select(p => p.GetProperty("status").GetString()).FirstOrDefault(s => !Quiet.Contains(s)),
            cancellationToken);
        foreach (var consumer in new[] { Names.Databases.Ledger, Names.Databases.Webhooks })
        {
            await Eventually.BecomesTrueAsync($"{consumer} applies every event", async () => await LagAsync(consumer, cancellationToken) is > 0 and var lag ? $"{lag} to go" : null, cancellationToken);
        }

        await Eventually.BecomesTrueAsync(
            "webhooks are delivered",
            async () => (await DeliveriesAsync(cancellationToken)).Count(d => d.GetProperty("status").GetString() != "delivered") is > 0 and var left ? $"{left} to go" : null,
            cancellationToken);
    }

    /// <summary>Compares all of it; returns how many events there were.</summary>
    public async Task<int> AssertOnceEachAsync(string currency, CancellationToken cancellationToken)
    {
        var charges = await Books.ChargesAsync(product, currency, cancellationToken);
        var payments = await Shop.ListAsync(shop.Merchant, "/v1/payments", cancellationToken);
        Assert.Equal(
            payments.Select(p => (Text(p, "id"), Number(p, "amount"), Number(p, "amount_captured"), Number(p, "amount_refunded"))).Order(),
            charges.Select(c => (c.Payment, c.Amount, c.Captured, c.Refunded)).Order());

        var events = await EventsAsync(cancellationToken);
        await AssertLedgerAsync(currency, events, charges, cancellationToken);
        await AssertWebhooksAsync(events, cancellationToken);
        return events.Count;
    }

    private async Task AssertLedgerAsync(string currency, List<LoggedEvent> events, List<Charge> charges, CancellationToken cancellationToken)
    {
        var journals = await Shop.ListAsync(product.Operator, $"/ops/v1/ledger/journals?merchant={shop.Id}", cancellationToken);
        Assert.Equal(
            events.Where(e => Posted.ContainsKey(e.Type)).Select(e => (e.Id, string.Join(", ", Posted[e.Type].Where(l => !e.AtOnce || l != "release authorization")))).Order(),
            journals.Select(j => (Text(j, "event"), string.Join(", ", Lines(j).Select(l => $"{Text(l, "action")} {Text(l, "kind")}")))).Order());

        var byPayment = journals.ToLookup(j => Text(j, "payment"), j => Lines(j).ToArray());
        foreach (var charge in charges)
        {
            var lines = byPayment[charge.Payment].SelectMany(l => l).ToArray();
            Assert.Equal((charge.Captured, charge.Refunded), (Sum(lines, "post", "capture"), Sum(lines, "post", "refund")));
            Assert.Equal(charge.Status == "authorized" ? charge.Amount : 0, Sum(lines, "hold", "authorization") - Sum(lines, "release", "authorization"));
        }

        using var read = await shop.Merchant.GetAsync(new Uri("/v1/balance", UriKind.Relative), cancellationToken);
        var balance = await ProductFixture.JsonAsync(read, cancellationToken);
        Assert.Equal(
            charges.Sum(c => c.Captured - c.Refunded) - events.Sum(e => e.Commission),
            Number(balance.GetProperty("pending").EnumerateArray().Single(b => Text(b, "currency") == currency), "amount"));

        using var tried = await product.Operator.GetAsync(new Uri("/ops/v1/ledger/trial_balance", UriKind.Relative), cancellationToken);
        Assert.All((await ProductFixture.JsonAsync(tried, cancellationToken)).GetProperty("data").EnumerateArray(), row => Assert.Equal(0, Number(row, "difference")));
    }

    private async Task AssertWebhooksAsync(List<LoggedEvent> events, CancellationToken cancellationToken)
    {
        var ids = events.Select(e => e.Id).Order().ToArray();
        var shown = await Shop.ListAsync(shop.Merchant, "/v1/events", cancellationToken);
        Assert.Equal(ids, shown.Select(e => Text(e, "id")).Order());
        Assert.Equal(ids, (await DeliveriesAsync(cancellationToken)).Select(d => Text(d, "event_id")).Order());
        Assert.Equal(ids, server.Received.Select(r => r.Headers["webhook-id"]).Distinct().Order());
    }

    private Task<List<JsonElement>> DeliveriesAsync(CancellationToken cancellationToken) =>
        Shop.ListAsync(shop.Merchant, $"/v1/webhook_endpoints/{endpoint}/deliveries", cancellationToken);

    private async Task<long> LagAsync(string consumer, CancellationToken cancellationToken)
    {
        Assert.Empty(await RowsAsync(consumer, "SELECT consumer FROM event_consumers WHERE halted_at IS NOT NULL UNION ALL SELECT error FROM dead_letters WHERE replayed_at IS NULL", r => r.GetString(0), cancellationToken));
        var heads = await RowsAsync(Names.Databases.Payments, "SELECT COALESCE(sum(seq), 0)::bigint FROM outbox_heads", r => r.GetInt64(0), cancellationToken);
        var applied = await RowsAsync(consumer, "SELECT COALESCE(sum(seq), 0)::bigint FROM checkpoints", r => r.GetInt64(0), cancellationToken);
        return heads[0] - applied[0];
    }

    /// <summary>The shop's part of the event log.</summary>
    private Task<List<LoggedEvent>> EventsAsync(CancellationToken cancellationToken) => RowsAsync(
        Names.Databases.Payments,
        $"""
        SELECT id, type, COALESCE((data #>> '{"{"}fees,commission_minor{"}"}')::bigint, 0), data -> 'authorization' IS NOT NULL FROM outbox_readable
        WHERE merchant_id = '{MerchantOf(shop.Id)}'
        """,
        r => new LoggedEvent(new EventId(r.GetGuid(0)).ToString(), r.GetString(1), r.GetInt64(2), r.GetBoolean(3)),
        cancellationToken);

    private async Task<List<T>> RowsAsync<T>(string database, string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(product.ConnectionString(database));
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(row(reader));
        }

        return rows;
    }

    private static Guid MerchantOf(string id)
    {
        Assert.True(Id.TryParse<MerchantId>(id, out var merchant));
        return merchant.Value;
    }

    private static IEnumerable<JsonElement> Lines(JsonElement journal) => journal.GetProperty("lines").EnumerateArray();

    private static long Sum(JsonElement[] lines, string action, string kind) =>
        lines.Where(l => Text(l, "action") == action && Text(l, "kind") == kind).Sum(l => Number(l, "amount"));

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();

    /// <param name="AtOnce">The authorization came about with it.</param>
    private sealed record LoggedEvent(string Id, string Type, long Commission, bool AtOnce);
}
