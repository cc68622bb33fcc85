using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Payments.Platform;
using Payments.Reconciliation.Bookings;
using Xunit;

namespace Payments.IntegrationTests.Disputes;

/// <summary>Disputes through the whole product and both simulated providers: opened by the bank, answered by the merchant, decided, booked.</summary>
[Collection(FlowProduct.Name)]
public sealed class DisputeJourneyTests(FlowProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Shop ShopOf(string provider) => provider == "stripe" ? product.Stripe : product.Adyen;

    [Theory]
    [InlineData("stripe", "winning_evidence", "won", 0)]
    [InlineData("adyen", "winning_evidence", "won", 1_000)]
    [InlineData("stripe", "losing_evidence", "lost", 1_500)]
    [InlineData("adyen", "losing_evidence", "lost", 1_000)]
    public async Task A_dispute_is_opened_answered_with_evidence_and_decided(string provider, string words, string outcome, long fee)
    {
        var (shop, payment, dispute) = await DisputedAsync(provider, new { });
        // That it is open and that money was taken for it are two notices.
        var opened = await UntilAsync(shop, dispute, d => Text(d, "status") == "needs_response" && d.GetProperty("amount_withheld").GetInt64() == 10_000);
        Assert.Equal(("fraudulent", provider), (Text(opened, "reason"), Text(opened, "provider")));
        Assert.Equal(0, await UntilValueAsync(() => OnReceivableAsync(payment), 0));
        var refused = await shop.PostAsync(payment, "refunds", new { }, Token);
        Assert.Equal((HttpStatusCode.Conflict, "payment_disputed"), (refused.Status, refused.Text("code")));

        var laid = await UploadAsync(shop, dispute, "receipt", $"%PDF-1.7\n{words}\n%%EOF\n");
        Assert.True(laid.Status == HttpStatusCode.OK, laid.Body);
        var key = FlowProduct.NewKey();
        var submitted = await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/submit", new { }, Token, key);
        Assert.True(submitted.Status == HttpStatusCode.OK, submitted.Body);
        Assert.Equal("succeeded", Text(submitted.Json.GetProperty("submission"), "state"));
        var again = await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/submit", new { }, Token, key);
        Assert.Equal((submitted.Body, true), (again.Body, again.Replayed));
        Assert.Equal(HttpStatusCode.Conflict, (await UploadAsync(shop, dispute, "receipt", "%PDF-1.7 too late")).Status);

        await UntilAsync(shop, dispute, outcome);
        var withheld = outcome == "won" ? 0 : 10_000;
        var decided = await UntilAsync(shop, dispute, d => d.GetProperty("amount_withheld").GetInt64() == withheld && d.GetProperty("fee").GetInt64() == fee);
        Assert.Equal(outcome, Text(decided, "status"));
        await shop.UntilAsync(payment, outcome == "won" ? "captured" : "disputed", Token);
        await SameBooksAsync(provider, payment, withheld, fee);
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_dispute_is_accepted_and_one_that_nobody_answers_runs_out(string provider)
    {
        var (shop, payment, dispute) = await DisputedAsync(provider, new { });
        var accepted = await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/accept", new { }, Token);
        Assert.True(accepted.Status == HttpStatusCode.OK, accepted.Body);
        Assert.Equal("accepted", accepted.Text("status"));
        Assert.Equal("dispute_closed", (await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/submit", new { }, Token)).Text("code"));
        await SameBooksAsync(provider, payment, 10_000, provider == "stripe" ? 1_500 : 1_000);
        Assert.Equal("accepted", Text(await shop.GetAsync($"/v1/disputes/{dispute}", Token), "status"));

        var (_, _, late) = await DisputedAsync(provider, new { evidence_milliseconds = 1 });
        await UntilAsync(shop, late, provider == "stripe" ? "lost" : "expired");
        Assert.Equal(HttpStatusCode.Conflict, (await UploadAsync(shop, late, "receipt", "%PDF-1.7 too late")).Status);
    }

    [Theory]
    [InlineData("stripe", "merchant")]
    [InlineData("adyen", "chargebacks")]
    public async Task A_chargeback_after_a_refund_is_booked_to_suspense_and_a_break_until_somebody_bears_it(string provider, string bearer)
    {
        var shop = ShopOf(provider);
        var paid = await shop.PayAsync(Token);
        await shop.PostAsync(paid.Id, "refunds", new { amount = 7_000 }, Token);
        await shop.UntilAsync(paid.Id, "partially_refunded", Token);
        var dispute = await OpenAsync(provider, shop, paid.Id, new { });
        await UntilAsync(shop, dispute, "needs_response");
        Assert.Equal(7_000, await UntilValueAsync(() => MovedAsync(paid.Id, "dispute_suspense"), 7_000));
        Assert.Equal(3_000, await MovedAsync(paid.Id, "dispute"));
        using var incidents = ProductFixture.Client(product.Host.Addresses.Api, product.Host.Secrets.OperatorKey);
        using var answer = await incidents.GetAsync(new Uri("/ops/v1/incidents?kind=chargeback_beyond_books", UriKind.Relative), Token);
        Assert.Contains((await ProductFixture.JsonAsync(answer, Token)).GetProperty("data").EnumerateArray(), i => i.GetProperty("payment_id").GetString() == paid.Id);

        var found = await UntilBreakAsync(incidents, paid.Id, "open", -7_000);
        Assert.Equal(("books", "amount_mismatch", provider), (Text(found, "leg"), Text(found, "class"), Text(found, "provider")));
        await BearAsync(incidents, found, bearer);
        Assert.Equal(0, await UntilValueAsync(() => InSuspenseAsync(paid.Id), 0));

        // The bank gives it back after all: whoever bore it gets it back.
        await UploadAsync(shop, dispute, "receipt", "%PDF-1.7 winning_evidence");
        Assert.Equal(HttpStatusCode.OK, (await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/submit", new { }, Token)).Status);
        await UntilAsync(shop, dispute, d => Text(d, "status") == "won" && d.GetProperty("amount_withheld").GetInt64() == 0);
        var returned = await UntilBreakAsync(incidents, paid.Id, "open", 7_000);
        Assert.Equal(Text(found, "id"), Text(returned, "id"));
        Assert.Equal(7_000, await UntilValueAsync(() => InSuspenseAsync(paid.Id), 7_000));
        await BearAsync(incidents, returned, bearer);
        Assert.Equal(0, await UntilValueAsync(() => InSuspenseAsync(paid.Id), 0));
        Assert.Equal(0, bearer == "chargebacks" ? await UntilValueAsync(() => OnAsync("chargebacks", paid.Id), 0) : 0);
    }

    [Fact]
    public async Task What_the_bank_gives_back_before_anybody_bore_it_is_no_break_any_more()
    {
        var shop = ShopOf("stripe");
        var paid = await shop.PayAsync(Token);
        await shop.PostAsync(paid.Id, "refunds", new { }, Token);
        await shop.UntilAsync(paid.Id, "refunded", Token);
        var dispute = await OpenAsync("stripe", shop, paid.Id, new { });
        await UntilAsync(shop, dispute, "needs_response");
        using var people = ProductFixture.Client(product.Host.Addresses.Api, product.Host.Secrets.OperatorKey);

        // All of it is beyond the books, and so is the fee.
        var found = await UntilBreakAsync(people, paid.Id, "open", -11_500);
        await UploadAsync(shop, dispute, "receipt", "%PDF-1.7 winning_evidence");
        Assert.Equal(HttpStatusCode.OK, (await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/submit", new { }, Token)).Status);
        var closed = await UntilBreakAsync(people, paid.Id, "resolved", 0);
        Assert.Equal((Text(found, "id"), "comparison"), (Text(closed, "id"), Text(closed, "resolved_by")));
        Assert.Equal(0, await UntilValueAsync(() => InSuspenseAsync(paid.Id), 0));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task Notices_that_come_twice_and_out_of_order_end_in_the_same(string provider)
    {
        try
        {
            await product.InjectAsync(provider, "webhook", "webhook_reorder", Token, count: 3, delay: 300);
            await product.InjectAsync(provider, "webhook", "webhook_duplicate", Token, count: 20);
            var (shop, payment, dispute) = await DisputedAsync(provider, new { });
            await UploadAsync(shop, dispute, "receipt", "%PDF-1.7 losing_evidence");
            var submitted = await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/submit", new { }, Token);
            Assert.True(submitted.Status == HttpStatusCode.OK, submitted.Body);
            await UntilAsync(shop, dispute, d => Text(d, "status") == "lost" && d.GetProperty("amount_withheld").GetInt64() == 10_000);
            await SameBooksAsync(provider, payment, 10_000, provider == "stripe" ? 1_500 : 1_000);
        }
        finally
        {
            await product.ClearFaultsAsync();
        }
    }

    [Theory]
    [InlineData("stripe", "drop_after")]
    [InlineData("stripe", "drop_before")]
    [InlineData("adyen", "drop_after")]
    [InlineData("adyen", "drop_before")]
    public async Task An_answer_whose_outcome_is_unknown_is_found_out_and_given_once(string provider, string fault)
    {
        var (shop, _, dispute) = await DisputedAsync(provider, new { });
        await UploadAsync(shop, dispute, "receipt", "%PDF-1.7 a receipt");
        try
        {
            await product.InjectAsync(provider, "dispute", fault, Token);
            var unknown = await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/submit", new { }, Token);
            Assert.True(unknown.Status is HttpStatusCode.Accepted or HttpStatusCode.OK, unknown.Body);
            var settled = await UntilAsync(shop, dispute, "under_review");
            Assert.Equal("succeeded", Text(settled.GetProperty("submission"), "state"));
            var sent = (await IssuerAsync()).Single(d => d.GetProperty("id").GetString() == Text(settled, "provider_reference"));
            Assert.Equal(1, sent.GetProperty("submissions").GetInt32());
        }
        finally
        {
            await product.ClearFaultsAsync();
        }
    }

    [Fact]
    public async Task An_inquiry_takes_nothing_and_lets_the_merchant_refund()
    {
        var (shop, payment, dispute) = await DisputedAsync("stripe", new { inquiry = true });
        var warning = await UntilAsync(shop, dispute, "warning");
        Assert.Equal(0, warning.GetProperty("amount_withheld").GetInt64());
        Assert.Equal("dispute_not_acceptable", (await FlowProduct.PostAsync(shop.Merchant, $"/v1/disputes/{dispute}/accept", new { }, Token)).Text("code"));
        Assert.Equal(HttpStatusCode.Created, (await shop.PostAsync(payment, "refunds", new { }, Token)).Status);
    }

    [Fact]
    public async Task A_card_that_is_charged_back_becomes_a_label_an_expected_item_and_a_line_of_the_report_and_the_merchant_is_told()
    {
        var shop = product.Stripe;
        var paid = await shop.PayAsync(Token, number: "4000000000000259");
        var payment = await shop.UntilAsync(paid.Id, p => p.GetProperty("disputes").GetArrayLength() == 1 && Text(p, "status") == "disputed", Token);
        var reference = Text(payment.GetProperty("disputes")[0], "provider_reference");
        Assert.True(Id.TryParse<PaymentId>(paid.Id, out var id));

        await using var fraud = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Fraud]);
        Assert.Equal(1, await UntilValueAsync(() => NumberAsync(fraud, "SELECT count(*) FROM labels WHERE payment_id = $1 AND source = 'chargeback' AND fraud", id), 1));
        await using var reconciliation = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Reconciliation]);
        Assert.Equal(-11_500, await UntilValueAsync(() => NumberAsync(reconciliation, "SELECT coalesce(sum(gross - fee), 0)::bigint FROM recon.items WHERE payment_id = $1 AND kind = 'chargeback'", id), -11_500));

        var report = await product.Simulators.GetStringAsync(new Uri($"/settlement/stripe/report?from={Day(-1)}&through={Day(1)}", UriKind.Relative), Token);
        Assert.Contains($",usd,-100.00,15.00,-115.00,dispute,{reference},", report, StringComparison.Ordinal);

        string[] types = [];
        while (types.Length < 3)
        {
            await Task.Delay(100, Token);
            types = [.. (await shop.GetAsync($"/v1/events?payment={paid.Id}", Token)).GetProperty("data").EnumerateArray().OrderBy(e => e.GetProperty("version").GetInt64()).Select(e => Text(e, "type")!)];
        }

        Assert.Equal(["payment.captured", "payment.dispute_opened", "payment.dispute_funds_withdrawn"], types);
    }

    /// <summary>The payment's break in our own books, once it stands so.</summary>
    private static async Task<JsonElement> UntilBreakAsync(HttpClient people, string payment, string state, long difference)
    {
        JsonElement seen = default;
        for (var tries = 0; tries < 2_400; tries++)
        {
            using var answer = await people.GetAsync(new Uri($"/ops/v1/reconciliation/breaks?state={state}&limit=100", UriKind.Relative), Token);
            foreach (var found in (await ProductFixture.JsonAsync(answer, Token)).GetProperty("data").EnumerateArray().Where(b => Text(b, "leg") == "books" && Text(b, "payment") == payment))
            {
                seen = found;
                if (found.GetProperty("difference").GetInt64() == difference)
                {
                    return found;
                }
            }

            await Task.Delay(100, Token);
        }

        Assert.Fail($"No break of {payment} is {state} with {difference}; seen was {seen}");
        return seen;
    }

    /// <summary>Until the ledger has booked it.</summary>
    private async Task BearAsync(HttpClient people, JsonElement found, string bearer)
    {
        var path = $"/ops/v1/reconciliation/breaks/{Text(found, "id")}";
        var answer = await FlowProduct.PostAsync(people, path + "/resolve", new { correction = bearer, reason = "The bank keeps it.", version = found.GetProperty("version").GetInt32() }, Token);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        await product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<BookingRounds>().RoundAsync(Token);
        using var read = await people.GetAsync(new Uri(path, UriKind.Relative), Token);
        var booked = await ProductFixture.JsonAsync(read, Token);
        Assert.True(Text(booked, "state") == "resolved", booked.ToString());
    }

    private Task<long> InSuspenseAsync(string payment) => OnAsync("suspense", payment);

    /// <summary>Credits less debits.</summary>
    private Task<long> OnAsync(string account, string payment) => LedgerAsync(payment, $"""
        SELECT coalesce(sum(CASE WHEN c.kind = '{account}' THEN m.amount WHEN d.kind = '{account}' THEN -m.amount ELSE 0 END), 0)::bigint
        FROM ledger.journals j JOIN ledger.movements m ON m.journal_id = j.id JOIN ledger.accounts d ON d.id = m.debit_account_id JOIN ledger.accounts c ON c.id = m.credit_account_id
        WHERE j.payment_id = $1
        """);

    private async Task<(Shop Shop, string Payment, string Dispute)> DisputedAsync(string provider, object how)
    {
        var shop = ShopOf(provider);
        var paid = await shop.PayAsync(Token);
        Assert.Equal("captured", paid.Text("status"));
        return (shop, paid.Id, await OpenAsync(provider, shop, paid.Id, how));
    }

    private async Task<string> OpenAsync(string provider, Shop shop, string payment, object how)
    {
        var read = await shop.GetAsync($"/v1/payments/{payment}", Token);
        var request = JsonSerializer.SerializeToNode(how)!.AsObject();
        request["provider"] = provider;
        request["charge"] = Text(read, "provider_reference");
        using var opened = await product.Simulators.PostAsJsonAsync("/disputes", request, Token);
        await ProductFixture.JsonAsync(opened, Token);
        var disputed = await shop.UntilAsync(payment, p => p.GetProperty("disputes").GetArrayLength() == 1, Token);
        return Text(disputed.GetProperty("disputes")[0], "id")!;
    }

    private async Task<List<JsonElement>> IssuerAsync()
    {
        using var answer = await product.Simulators.GetAsync(new Uri("/disputes", UriKind.Relative), Token);
        return [.. (await ProductFixture.JsonAsync(answer, Token)).EnumerateArray()];
    }

    private static async Task<Answer> UploadAsync(Shop shop, string dispute, string kind, string content)
    {
        using var file = new ByteArrayContent(Encoding.ASCII.GetBytes(content));
        file.Headers.ContentType = new MediaTypeHeaderValue("application/pdf");
        using var answer = await shop.Merchant.PutAsync(new Uri($"/v1/disputes/{dispute}/files/{kind}", UriKind.Relative), file, Token);
        return await Answer.OfAsync(answer, Token);
    }

    private static Task<JsonElement> UntilAsync(Shop shop, string dispute, string status) => UntilAsync(shop, dispute, d => Text(d, "status") == status);

    private static async Task<JsonElement> UntilAsync(Shop shop, string dispute, Func<JsonElement, bool> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(240));
        var seen = await shop.GetAsync($"/v1/disputes/{dispute}", Token);
        while (!holds(seen))
        {
            Assert.False(limit.IsCancellationRequested, $"the dispute stayed at {seen}");
            await Task.Delay(100, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            seen = await shop.GetAsync($"/v1/disputes/{dispute}", Token);
        }

        return seen;
    }

    private static async Task<long> UntilValueAsync(Func<Task<long>> read, long wanted)
    {
        for (var tries = 0; tries < 2_400; tries++)
        {
            if (await read() is var value && value == wanted)
            {
                return value;
            }

            await Task.Delay(100, Token);
        }

        return await read();
    }

    /// <summary>The ledger's receivable of this payment is what the provider has of it, the books balance, and the fee is owed.</summary>
    private async Task SameBooksAsync(string provider, string payment, long withheld, long fee)
    {
        Assert.Equal(10_000 - withheld, await UntilValueAsync(() => OnReceivableAsync(payment), 10_000 - withheld));
        Assert.Equal(fee, await UntilValueAsync(async () => await MovedAsync(payment, "dispute_fee") - await MovedAsync(payment, "dispute_fee_return"), fee));
        var charge = Text(await ShopOf(provider).GetAsync($"/v1/payments/{payment}", Token), "provider_reference");
        var theirs = (await IssuerAsync()).Where(d => d.GetProperty("charge").GetString() == charge || d.GetProperty("payment_intent").GetString() == charge).SelectMany(d => d.GetProperty("moves").EnumerateArray()).ToList();
        Assert.Equal((-withheld, fee), (theirs.Sum(m => m.GetProperty("amount").GetInt64()), theirs.Sum(m => m.GetProperty("fee").GetInt64())));
        await using var ledger = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Ledger]);
        await using var trial = ledger.CreateCommand("SELECT count(*) FROM (SELECT a.currency FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id GROUP BY a.currency HAVING sum(b.debits - b.credits) <> 0) AS off");
        Assert.Equal(0L, await trial.ExecuteScalarAsync(Token));
    }

    private Task<long> OnReceivableAsync(string payment) => LedgerAsync(payment, """
        SELECT coalesce(sum(CASE WHEN d.kind = 'provider_receivable' THEN m.amount WHEN c.kind = 'provider_receivable' THEN -m.amount ELSE 0 END), 0)::bigint
        FROM ledger.journals j JOIN ledger.movements m ON m.journal_id = j.id JOIN ledger.accounts d ON d.id = m.debit_account_id JOIN ledger.accounts c ON c.id = m.credit_account_id
        WHERE j.payment_id = $1
        """);

    private Task<long> MovedAsync(string payment, string kind) =>
        LedgerAsync(payment, $"SELECT coalesce(sum(m.amount), 0)::bigint FROM ledger.journals j JOIN ledger.movements m ON m.journal_id = j.id WHERE j.payment_id = $1 AND m.kind = '{kind}'");

    private async Task<long> LedgerAsync(string payment, string sql)
    {
        Assert.True(Id.TryParse<PaymentId>(payment, out var id));
        await using var ledger = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Ledger]);
        return await NumberAsync(ledger, sql, id);
    }

    private static async Task<long> NumberAsync(NpgsqlDataSource database, string sql, PaymentId payment)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = payment.Value });
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    private static string Day(int later) => TimeProvider.System.GetUtcNow().AddDays(later).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
