using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Events;
using Payments.IntegrationTests.Fire;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/poison-event.md</summary>
[Collection(DrillProduct.Name)]
public sealed class PoisonEventDrill(DrillProduct product)
{
    private const string Currency = "HKD";

    // A rule as a careless release might bring it: refunds of one payment violate it.
    private const string Careless = """
        CREATE FUNCTION ledger.careless() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.payment_id = '{payment}'::uuid THEN RAISE EXCEPTION 'this payment cannot be posted' USING ERRCODE = 'check_violation'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER careless BEFORE INSERT ON ledger.journals FOR EACH ROW EXECUTE FUNCTION ledger.careless()
        """;

    private const string Mended = "DROP TRIGGER IF EXISTS careless ON ledger.journals; DROP FUNCTION IF EXISTS ledger.careless()";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_payment_that_cannot_be_posted_is_parked_alone_and_replayed_once_the_cause_is_mended()
    {
        var runbook = Runbook.Open("poison-event");
        using var shop = await Shop.OpenAsync(product, "Drill: poison", Token);
        await using var ledger = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Ledger));
        var bad = (await DrillSteps.PayAsync(product, shop, Currency, 30_001, Token, "manual")).Text("id");
        Assert.True(Id.TryParse<PaymentId>(bad, out var payment));
        await PostedAsync(bad, 1);
        try
        {
            await ledger.ExecuteAsync(Careless.Replace("{payment}", payment.Value.ToString(), StringComparison.Ordinal), Token);
            using (var captured = await product.PostAsync(shop.Merchant, $"/v1/payments/{bad}/capture", new { }, Token))
            {
                await ProductFixture.JsonAsync(captured, Token);
            }

            await Eventually.BecomesTrueAsync("the payment is parked", async () => (await LettersAsync(runbook)).Any(l => l.Text("payment_id") == bad) ? null : "no dead letter", Token);
            var good = (await DrillSteps.PayAsync(product, shop, Currency, 30_002, Token)).Text("id");
            await PostedAsync(good, 1);

            Assert.Contains(await runbook.SqlAsync("parked", product.ConnectionString, Token), row => (Guid)row["payment_id"]! == payment.Value && (string)row["error"]! == "23514 this payment cannot be posted");
            var (_, consumers) = await runbook.HttpAsync("consumers", product.Operator, Token);
            Assert.Equal(1, consumers.GetProperty("data")[0].GetProperty("parked_payments").GetInt32());
            var letter = (await LettersAsync(runbook)).First(l => l.Text("payment_id") == bad).Text("id");
            var refused = await runbook.HttpAsync("replay", product.Operator, Token, ("dead_letter", letter));
            Assert.Equal((409, "replay_failed"), (refused.Status, refused.Body.Text("code")));

            await ledger.ExecuteAsync(Mended, Token);
            var replayed = await runbook.HttpAsync("replay", product.Operator, Token, ("dead_letter", letter));
            Assert.True(replayed.Status == 200, replayed.Body.ToString());
        }
        finally
        {
            await ledger.ExecuteAsync(Mended, CancellationToken.None);
        }

        await PostedAsync(bad, 2);
        Assert.Empty(await LettersAsync(runbook));
        await Eventually.BecomesTrueAsync("the ledger is complete", async () => (await DrillSteps.ReadAsync(product.Operator, "/ops/v1/ledger/completeness", Token)) is var now && now.GetProperty("complete").GetBoolean() ? null : now.GetProperty("findings").ToString(), Token);
        runbook.AssertAllExecuted();
    }

    private async Task<List<System.Text.Json.JsonElement>> LettersAsync(Runbook runbook) =>
        [.. (await runbook.HttpAsync("dead-letters", product.Operator, Token)).Body.GetProperty("data").EnumerateArray()];

    private async Task PostedAsync(string payment, int journals) => await Eventually.BecomesTrueAsync(
        $"{journals} journals of {payment}",
        async () => (await Shop.ListAsync(product.Operator, $"/ops/v1/ledger/journals?payment={payment}", Token)).Count is var posted && posted == journals ? null : $"{posted} are posted",
        Token);
}
