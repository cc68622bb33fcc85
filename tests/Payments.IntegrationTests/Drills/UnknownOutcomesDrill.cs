using System.Net;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/unknown-outcomes.md</summary>
[Collection(DrillProduct.Name)]
public sealed class UnknownOutcomesDrill(DrillProduct product) : IAsyncDisposable
{
    private const string Currency = "CHF";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync(CancellationToken.None);

    [Fact]
    public async Task A_provider_executes_and_does_not_answer_and_every_payment_ends_as_it_really_did()
    {
        var runbook = Runbook.Open("unknown-outcomes");
        using var shop = await Shop.OpenAsync(product, "Drill: unknown", Token);
        var webhooksLost = new { provider = "stripe", operation = "webhook", kind = "webhook_lost" };
        await product.InjectFaultAsync(webhooksLost, Token);
        await product.InjectFaultAsync(new { provider = "adyen", operation = "webhook", kind = "webhook_lost" }, Token);
        foreach (var provider in new[] { "stripe", "adyen" })
        {
            await product.InjectFaultAsync(new { provider, operation = "authorize", kind = "drop_after" }, Token);
            await product.InjectFaultAsync(new { provider, operation = "read", kind = "503" }, Token);
        }

        var unknown = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var body = new { amount = 20_000 + i, currency = Currency, payment_method = new { token = shop.Token }, capture_method = "manual" };
            using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", body, Token);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            unknown.Add((await ProductFixture.JsonAsync(answer, Token)).Text("id"));
        }

        // The earlier ones may be settled already: the listing of the provider's charges tells of them, too.
        Assert.NotEmpty(await runbook.SqlAsync("unsettled", product.ConnectionString, Token));
        var (status, payment) = await runbook.HttpAsync("payment", product.Operator, Token, ("payment", unknown[^1]));
        Assert.Equal((200, "processing"), (status, payment.Text("status")));
        Assert.True(Id.TryParse<PaymentId>(unknown[^1], out var last));
        await AgeAsync(last);
        await Eventually.BecomesTrueAsync("a person is told of the oldest", async () => await IsOpenIncidentAsync(runbook, last) ? null : "no incident", Token);
        Assert.Equal(unknown.Count, (await Books.ChargesAsync(product, Currency, Token)).Count);

        await product.ClearFaultsAsync(Token);
        await runbook.SqlAsync("look-now", product.ConnectionString, Token, ("payment_uuid", last.Value));
        foreach (var id in unknown)
        {
            await Eventually.BecomesTrueAsync($"{id} is settled", async () => (await DrillSteps.ReadAsync(shop.Merchant, $"/v1/payments/{id}", Token)).Text("status") is "authorized" ? null : "still unknown", Token);
        }

        var charges = await Books.ChargesAsync(product, Currency, Token);
        Assert.Equal(unknown.Order(), charges.Select(c => c.Payment).Order());
        await Eventually.BecomesTrueAsync("the incident closes itself", async () => await IsOpenIncidentAsync(runbook, last) ? "open" : null, Token);
        runbook.AssertAllExecuted();
    }

    /// <summary>Instead of waiting for a quarter of an hour.</summary>
    private async Task AgeAsync(PaymentId payment)
    {
        await using var source = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Payments));
        await using var command = source.CreateCommand("UPDATE attempts SET opened_at = opened_at - interval '20 minutes' WHERE payment_id = $1 AND state IN ('open', 'unknown')");
        command.Parameters.Add(new NpgsqlParameter { Value = payment.Value });
        Assert.Equal(1, await command.ExecuteNonQueryAsync(Token));
    }

    private async Task<bool> IsOpenIncidentAsync(Runbook runbook, PaymentId payment)
    {
        var (status, incidents) = await runbook.HttpAsync("incidents", product.Operator, Token);
        Assert.Equal(200, status);
        return incidents.GetProperty("data").EnumerateArray().Any(i => i.Text("kind") == "attempt_unresolved" && i.Text("payment_id") == payment.ToString());
    }
}
