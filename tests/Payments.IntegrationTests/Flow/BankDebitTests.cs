using System.Globalization;
using System.Net;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Flow;

/// <summary>Debits of bank accounts (ACH) through the whole product and the simulated provider: submitted, pending, paid or returned, and returned later.</summary>
[Collection(FlowProduct.Name)]
public sealed class BankDebitTests(FlowProduct product) : IAsyncDisposable
{
    private const string Large = "large_debit";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Shop Shop => product.Stripe;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync();

    [Fact]
    public async Task A_debit_is_processing_then_captured_and_booked_and_may_be_refunded()
    {
        var key = FlowProduct.NewKey();
        var submitted = await Shop.DebitAsync(Token, key: key);
        Assert.True(submitted.Status == HttpStatusCode.Accepted, submitted.Body);
        Assert.Equal(("processing", "ach", "6789"), (submitted.Text("status"), Text(submitted.Json.GetProperty("payment_method"), "type"), Text(submitted.Json.GetProperty("payment_method"), "last4")));
        Assert.Equal(0, submitted.Json.GetProperty("amount_captured").GetInt64());

        var captured = await Shop.UntilAsync(submitted.Id, "captured", Token);
        Assert.Equal(10_000, captured.GetProperty("amount_captured").GetInt64());
        Assert.Equal(JsonValueKind.Null, captured.GetProperty("authentication").ValueKind);
        await EventsAsync(submitted.Id, "payment.processing", "payment.captured");
        var charge = Assert.Single(await product.ChargesAsync("stripe", submitted.Id, Token));
        Assert.Equal(("captured", 10_000), (Text(charge, "status"), charge.GetProperty("amount_captured").GetInt64()));
        await BooksAsync(submitted.Id, receivable: 10_000, commission: 80);

        var report = await product.Simulators.GetStringAsync(new Uri($"/settlement/stripe/report?from={Day(-1)}&through={Day(1)}", UriKind.Relative), Token);
        Assert.Contains(report.Split('\n'), l => l.Contains(Text(captured, "provider_reference")!, StringComparison.Ordinal) && l.Contains(",usd,100.00,0.80,99.20,charge,", StringComparison.Ordinal) && l.EndsWith("us_bank_account,", StringComparison.Ordinal));
        Assert.Equal(9_920, await UntilValueAsync(() => ReconAsync(submitted.Id, "capture"), 9_920));

        Assert.Equal(HttpStatusCode.Created, (await Shop.PostAsync(submitted.Id, "refunds", new { }, Token)).Status);
        await Shop.UntilAsync(submitted.Id, "refunded", Token);
    }

    [Theory]
    [InlineData("000222222227", "insufficient_funds", "soft", "The bank account has insufficient funds.")]
    [InlineData("000111111113", "closed_account", "hard", "The bank account is closed.")]
    [InlineData("000111111116", "no_account", "hard", "The bank has no such account.")]
    [InlineData("000333333335", "debit_not_authorized", "hard", "The account's holder did not authorize the debit, or has revoked it.")]
    [InlineData("000888888889", "debit_declined", "soft", "The bank returned the debit without a reason.")]
    public async Task A_debit_that_its_bank_returns_is_declined_with_our_code(string number, string code, string kind, string message)
    {
        var key = FlowProduct.NewKey();
        var submitted = await Shop.DebitAsync(Token, number, key: key);
        Assert.Equal((HttpStatusCode.Accepted, "processing"), (submitted.Status, submitted.Text("status")));

        var declined = await Shop.UntilAsync(submitted.Id, "declined", Token);
        var decline = declined.GetProperty("decline");
        Assert.Equal((code, kind, message), (Text(decline, "code"), Text(decline, "kind"), Text(decline, "message")));
        await EventsAsync(submitted.Id, "payment.processing", "payment.declined");
        Assert.Empty(await product.ChargesAsync("stripe", submitted.Id, Token));
        await BooksAsync(submitted.Id, receivable: 0, commission: 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_debit_that_is_returned_after_it_succeeded_is_taken_back_whatever_the_order_of_notices(bool disturbed)
    {
        if (disturbed)
        {
            await product.InjectAsync("stripe", "webhook", "webhook_reorder", Token, count: 6, delay: 300);
            await product.InjectAsync("stripe", "webhook", "webhook_duplicate", Token, count: 20);
        }

        await ReturnedAsync(await Shop.DebitAsync(Token, "000222222235"));
    }

    [Fact]
    public async Task A_return_is_booked_also_where_the_notice_of_the_success_was_lost()
    {
        // Of what is sent the first is that it was paid; then come those of the return.
        await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: 1);
        await ReturnedAsync(await Shop.DebitAsync(Token, "000222222235"));
    }

    [Theory]
    [InlineData("drop_after", "captured", 1)]
    [InlineData("drop_before", "failed", 0)]
    public async Task A_submission_whose_answer_never_came_is_found_out_by_reading(string fault, string status, int charges)
    {
        await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: null);
        await product.InjectAsync("stripe", "authorize", fault, Token);
        var submitted = await Shop.DebitAsync(Token);
        Assert.Equal((HttpStatusCode.Accepted, "processing"), (submitted.Status, submitted.Text("status")));
        var settled = await Shop.UntilAsync(submitted.Id, p => Text(p, "status") == status || (charges == 1 && p.GetProperty("attempts")[0].GetProperty("provider_reference").ValueKind == JsonValueKind.String), Token);
        if (charges == 1)
        {
            // What is pending is looked at minutes later: the provider tells first.
            await product.ClearFaultsAsync();
            await using var payments = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Payments]);
            await NumberAsync(payments, "WITH due AS (UPDATE attempts SET due_at = now() WHERE payment_id = $1 RETURNING 1) SELECT count(*) FROM due", submitted.Id);
            settled = await Shop.UntilAsync(submitted.Id, status, Token);
        }

        Assert.Equal(charges, (await product.ChargesAsync("stripe", submitted.Id, Token)).Count);
        Assert.Single(settled.GetProperty("attempts").EnumerateArray());
        await BooksAsync(submitted.Id, receivable: charges * 10_000, commission: charges * 80);
    }

    [Fact]
    public async Task What_would_be_held_for_a_person_is_rejected_since_nothing_can_be_held()
    {
        using var shop = await product.OpenShopAsync("stripe");
        await RuleAsync(shop);
        // On a busy machine a decision may come too late, and another is made without it.
        var rejected = await shop.DebitAsync(Token, amount: 60_000);
        for (var tries = 0; tries < 20 && !IsByRule(rejected); tries++)
        {
            rejected = await shop.DebitAsync(Token, amount: 60_000);
        }

        Assert.True(rejected.Status == HttpStatusCode.Created && IsByRule(rejected), rejected.Body);
        Assert.Equal(("rejected", "reject"), (rejected.Text("status"), Text(rejected.Json.GetProperty("risk"), "decision")));
        Assert.Empty(await product.ChargesAsync("stripe", rejected.Id, Token));
    }

    [Fact]
    public async Task An_account_may_be_debited_again_and_is_known_by_its_fingerprint_only()
    {
        var made = await FlowProduct.PostAsync(Shop.Shopper, "/v1/tokens", Shop.BankAccount("000123456789"), Token);
        Assert.Equal(HttpStatusCode.Created, made.Status);
        Assert.Equal("""{"last4":"6789","routing_last4":"0000","account_type":"checking","holder_type":"individual","bank_name":"STRIPE TEST BANK"}""", made.Json.GetProperty("bank_account").GetRawText());
        Assert.Equal((JsonValueKind.Null, """["stripe"]"""), (made.Json.GetProperty("card").ValueKind, made.Json.GetProperty("providers").GetRawText()));
        for (var i = 0; i < 2; i++)
        {
            var submitted = await FlowProduct.PostAsync(Shop.Merchant, "/v1/payments", new { amount = 2_000, currency = "USD", payment_method = new { type = "ach", token = made.Id } }, Token);
            await Shop.UntilAsync(submitted.Id, "captured", Token);
        }

        await using var vault = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Vault]);
        await using var stored = vault.CreateCommand("SELECT string_agg(b::text, ' ') FROM bank_accounts AS b");
        var text = (string)(await stored.ExecuteScalarAsync(Token))!;
        Assert.DoesNotContain("203.0.113.7", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Lovelace", text, StringComparison.Ordinal);
    }

    /// <summary>The merchant's own: what it asks to have reviewed.</summary>
    private static async Task RuleAsync(Shop shop)
    {
        var drafted = await FlowProduct.PostAsync(shop.Merchant, "/v1/risk/rules", new { name = Large, condition = "amount >= 50000", action = "review", reason = Large }, Token);
        Assert.True(drafted.Status == HttpStatusCode.Created, drafted.Body);
        Assert.Equal(HttpStatusCode.OK, (await FlowProduct.PostAsync(shop.Merchant, $"/v1/risk/rules/{drafted.Id}/dry_run", new { }, Token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await FlowProduct.PostAsync(shop.Merchant, $"/v1/risk/rules/{drafted.Id}/activate", new { version = 1 }, Token)).Status);
    }

    private static bool IsByRule(Answer answer) => answer.Json.GetProperty("risk").GetProperty("factors").EnumerateArray().Any(f => f.GetString() == Large);

    private async Task ReturnedAsync(Answer submitted)
    {
        Assert.Equal((HttpStatusCode.Accepted, "processing"), (submitted.Status, submitted.Text("status")));
        var returned = await Shop.UntilAsync(
            submitted.Id, p => Text(p, "status") == "disputed" && p.GetProperty("disputes").GetArrayLength() == 1 && Text(p.GetProperty("disputes")[0], "status") == "lost", Token);
        var dispute = await Shop.GetAsync($"/v1/disputes/{Text(returned.GetProperty("disputes")[0], "id")}", Token);
        Assert.Equal(("lost", "insufficient_funds", 10_000, 1_500), (Text(dispute, "status"), Text(dispute, "provider_reason"), dispute.GetProperty("amount_withheld").GetInt64(), dispute.GetProperty("fee").GetInt64()));
        await EventsAsync(submitted.Id, "payment.processing", "payment.captured", "payment.dispute_opened", "payment.dispute_funds_withdrawn", "payment.dispute_closed");
        await BooksAsync(submitted.Id, receivable: 0, commission: 80);
        Assert.Equal(-11_500, await UntilValueAsync(() => ReconAsync(submitted.Id, "chargeback"), -11_500));
        var report = await product.Simulators.GetStringAsync(new Uri($"/settlement/stripe/report?from={Day(-1)}&through={Day(1)}", UriKind.Relative), Token);
        Assert.Contains($",usd,-100.00,15.00,-115.00,dispute,{Text(dispute, "provider_reference")},", report, StringComparison.Ordinal);

        Assert.Equal("payment_disputed", (await Shop.PostAsync(submitted.Id, "refunds", new { }, Token)).Text("code"));
        Assert.Equal("dispute_closed", (await FlowProduct.PostAsync(Shop.Merchant, $"/v1/disputes/{Text(dispute, "id")}/submit", new { }, Token)).Text("code"));
    }

    private async Task EventsAsync(string payment, params string[] types)
    {
        string[] told = [];
        for (var tries = 0; tries < 2_400 && told.Length < types.Length; tries++)
        {
            told = [.. (await Shop.GetAsync($"/v1/events?payment={payment}", Token)).GetProperty("data").EnumerateArray().OrderBy(e => e.GetProperty("version").GetInt64()).Select(e => Text(e, "type")!)];
            await Task.Delay(100, Token);
        }

        Assert.Equal(types, told);
    }

    /// <summary>What the provider owes us of this payment, what the platform took of it, and that the whole ledger sums to zero.</summary>
    private async Task BooksAsync(string payment, long receivable, long commission)
    {
        await using var ledger = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Ledger]);
        const string onReceivable = """
            SELECT coalesce(sum(CASE WHEN d.kind = 'provider_receivable' THEN m.amount WHEN c.kind = 'provider_receivable' THEN -m.amount ELSE 0 END), 0)::bigint
            FROM ledger.journals j JOIN ledger.movements m ON m.journal_id = j.id JOIN ledger.accounts d ON d.id = m.debit_account_id JOIN ledger.accounts c ON c.id = m.credit_account_id
            WHERE j.payment_id = $1
            """;
        const string commissioned = "SELECT coalesce(sum(m.amount), 0)::bigint FROM ledger.journals j JOIN ledger.movements m ON m.journal_id = j.id WHERE j.payment_id = $1 AND m.kind = 'commission'";
        Assert.Equal(receivable, await UntilValueAsync(() => NumberAsync(ledger, onReceivable, payment), receivable));
        Assert.Equal(commission, await UntilValueAsync(() => NumberAsync(ledger, commissioned, payment), commission));
        await using var trial = ledger.CreateCommand("SELECT count(*) FROM (SELECT a.currency FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id GROUP BY a.currency HAVING sum(b.debits - b.credits) <> 0) AS off");
        Assert.Equal(0L, await trial.ExecuteScalarAsync(Token));
    }

    private async Task<long> ReconAsync(string payment, string kind)
    {
        await using var reconciliation = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Reconciliation]);
        return await NumberAsync(reconciliation, $"SELECT coalesce(sum(gross - fee), 0)::bigint FROM recon.items WHERE payment_id = $1 AND kind = '{kind}'", payment);
    }

    private static async Task<long> NumberAsync(NpgsqlDataSource database, string sql, string payment)
    {
        Assert.True(Id.TryParse<PaymentId>(payment, out var id));
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = id.Value });
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    private static async Task<long> UntilValueAsync(Func<Task<long>> read, long wanted)
    {
        for (var tries = 0; tries < 1_200; tries++)
        {
            if (await read() is var value && value == wanted)
            {
                return value;
            }

            await Task.Delay(100, Token);
        }

        return await read();
    }

    private static string Day(int later) => TimeProvider.System.GetUtcNow().AddDays(later).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
