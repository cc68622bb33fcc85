using System.Net;
using Payments.Core;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>Settlement and payouts through the service: rounds, statements, and what operators do.</summary>
public sealed class SettlementServiceTests(EmbeddedServers servers)
{
    private const string Ops = "/internal/v1/ops/";

    [Fact]
    public async Task A_round_settles_every_merchant_and_each_reads_its_statement_in_three_forms()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 11, events: 300);
        await ledger.Get<SettlementRounds>().RoundAsync(TestContext.Current.CancellationToken);
        Assert.Empty(ledger.Get<SettlementRounds>().Waiting);
        await ledger.Get<SettlementRounds>().RoundAsync(TestContext.Current.CancellationToken);
        Assert.True(await ledger.Books.ValueAsync<long>("SELECT count(*) FROM ledger.settlement_closings", TestContext.Current.CancellationToken) > 0);
        Assert.DoesNotContain(await ledger.Books.FoldedAsync(TestContext.Current.CancellationToken), b => b.Key.Contains("|merchant_pending|", StringComparison.Ordinal));

        var owner = await ledger.Books.ValueAsync<string>("SELECT a.mode || '|' || a.owner FROM ledger.settlement_batches b JOIN ledger.accounts a ON a.id = b.account_id ORDER BY b.items DESC LIMIT 1", TestContext.Current.CancellationToken);
        var path = $"/internal/v1/merchants/{owner!.Split('|')[1]}/{owner.Split('|')[0]}/settlements";
        foreach (var settlement in await ledger.ListAsync(path))
        {
            var one = $"{path}/{settlement.GetProperty("id").GetString()}";
            Assert.Equal(settlement.GetRawText(), (await ledger.GetAsync(one)).GetRawText());
            var (csvType, csv) = await ledger.TextAsync(one, "text/csv");
            var rows = csv.TrimEnd().Split("\r\n").Skip(1).Select(r => r.Split(',')).ToList();
            Assert.Equal(("text/csv", settlement.GetProperty("items").GetInt64(), settlement.GetProperty("net").GetInt64()), (csvType, rows.Count, rows.Sum(r => long.Parse(r[6], System.Globalization.CultureInfo.InvariantCulture))));
            var (htmlType, html) = await ledger.TextAsync(one, "text/html");
            var paid = new Money(settlement.GetProperty("paid").GetInt64(), Currency.Of(settlement.GetProperty("paid_currency").GetString()!));
            Assert.Equal("text/html", htmlType);
            Assert.Contains($"<td>Payable</td><td class=\"n\">{paid}</td>", html, StringComparison.Ordinal);
        }

        // Also of a month whose rows are gone.
        var shown = $"{path}/{(await ledger.ListAsync(path))[0].GetProperty("id").GetString()}";
        var (_, before) = await ledger.TextAsync(shown, "text/csv");
        Assert.Contains(",pay_", before, StringComparison.Ordinal);
        await ledger.TamperAsync("DELETE FROM ledger.movements; DELETE FROM ledger.journals");
        Assert.Equal(before, (await ledger.TextAsync(shown, "text/csv")).Text);
    }

    [Fact]
    public async Task What_waits_is_told_and_terms_and_settings_are_refused_by_name()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 12, events: 60);
        await ledger.Books.ExecuteAsync("INSERT INTO ledger.findings (kind, subject, detail) VALUES ('posting_conflict', 'x', 'x')", TestContext.Current.CancellationToken);
        await ledger.Get<SettlementRounds>().RoundAsync(TestContext.Current.CancellationToken);
        Assert.NotEmpty(ledger.Get<SettlementRounds>().Waiting);
        Assert.All(ledger.Get<SettlementRounds>().Waiting, w => Assert.Equal(CutoffVerdict.NotProven, w.Verdict));

        var merchant = LedgerDatabase.Ids.New<MerchantId>().ToString();
        object Terms(string schedule = "daily_t1", int? weekday = null, string zone = "UTC", string calendar = "target", string? currency = null, int points = 0, int days = 0, int seen = 0) =>
            weekday is null && currency is null ? new { merchant_id = merchant, mode = "test", expected_version = seen, schedule, time_zone = zone, calendar, reserve_basis_points = points, reserve_days = days }
            : currency is null ? new { merchant_id = merchant, mode = "test", expected_version = seen, schedule, time_zone = zone, calendar, weekday }
            : new { merchant_id = merchant, mode = "test", expected_version = seen, schedule, time_zone = zone, calendar, currency };
        object Settings(string iban = "DE89370400440532013000", string bic = "COBADEFFXXX", long minimum = 1, string reason = "test") =>
            new { merchant_id = merchant, mode = "test", standing = "cleared", name = "Ada", iban, bic, reason, minimum };
        object Rate(string rate = "1.1", string @base = "EUR", string quote = "USD", string until = "2026-02-01T00:00:00Z") =>
            new { @base, quote, rate, source = "test", observed_at = "2026-01-01T00:00:00Z", valid_from = "2026-01-01T00:00:00Z", valid_until = until };
        foreach (var (path, body, expected) in new (string, object, string)[]
        {
            ("settlement_terms", Terms(), ""), ("settlement_terms", Terms("weekly", 5, seen: 1), ""), ("settlement_terms", Terms(points: 100, days: 5, seen: 2), ""),
            ("settlement_terms", Terms(seen: 2), "expected_version"), ("settlement_terms", Terms(seen: 4), "expected_version"), ("settlement_terms", Terms(seen: -1), "expected_version"),
            ("settlement_terms", Terms("weekly"), "weekday"), ("settlement_terms", Terms("daily_t1", 5), "weekday"), ("settlement_terms", Terms("weekly", 8), "weekday"),
            ("settlement_terms", Terms(zone: "Mars/Olympus"), "time_zone"), ("settlement_terms", Terms(calendar: "lunar"), "calendar"), ("settlement_terms", Terms(currency: "JPY"), "currency"),
            ("settlement_terms", Terms(points: 100), "reserve_days"), ("settlement_terms", Terms(points: 10_001, days: 1), "reserve_basis_points"),
            ("payout_settings", Settings(), ""), ("payout_settings", Settings(iban: "DE88370400440532013000"), "iban"), ("payout_settings", Settings(bic: "COBA"), "bic"),
            ("payout_settings", Settings(minimum: 0), "minimum"), ("payout_settings", Settings(reason: ""), "reason"), ("payout_switch", new { stopped = true, reason = "" }, "reason"),
            ("rates", Rate(), ""), ("rates", Rate("0"), "rate"), ("rates", Rate("-1"), "rate"), ("rates", Rate("1,1"), "rate"), ("rates", Rate("1.1234567890123"), "rate"),
            ("rates", Rate(quote: "EUR"), "quote"), ("rates", Rate(@base: "XXX"), "base"), ("rates", Rate(until: "2026-01-01T00:00:00Z"), "valid_until"),
            ("payout_files", new { mode = "test", currency = "XXX" }, "currency"), ("payout_files", new { mode = "test", currency = "EUR", execute_on = "2026-01-01" }, "execute_on"),
            ("payout_files", new { mode = "test", currency = "EUR" }, "path"),
        })
        {
            var (status, answer) = await ledger.AskAsync(HttpMethod.Post, Ops + path, body: body);
            Assert.True(expected.Length == 0 ? status == HttpStatusCode.OK : (int)status is 400 or 409 && answer.GetProperty("param").GetString() == expected, $"{path} {body}: {status} {answer}");
        }

        Assert.Equal(3, await ledger.Books.ValueAsync<int>("SELECT max(version) FROM ledger.settlement_terms", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Operators_pay_merchants_by_a_bank_file_and_its_answer()
    {
        await using var ledger = await WithDebtorAsync();
        await ledger.LiveAsync(seed: 13, events: 300);
        await ledger.Get<SettlementRounds>().RoundAsync(TestContext.Current.CancellationToken);
        var accounts = await ledger.Books.ValueAsync<string[]>("""
            SELECT array_agg(DISTINCT a.mode || '|' || a.owner) FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.kind = 'merchant_payable' AND b.credits > b.debits
            """, TestContext.Current.CancellationToken);
        foreach (var account in accounts!)
        {
            var (set, answer) = await ledger.AskAsync(HttpMethod.Post, Ops + "payout_settings", body: new
            {
                merchant_id = account.Split('|')[1],
                mode = account.Split('|')[0],
                standing = "cleared",
                name = "Ada's Mugs",
                iban = "DE89370400440532013000",
                bic = "COBADEFFXXX",
                reason = "test",
            });
            Assert.True(set == HttpStatusCode.OK, answer.ToString());
        }

        // Of the last cut-off's batches the payment day is still to come.
        await ledger.Get<PayoutBooks>().CreateDueAsync(DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(7), TestContext.Current.CancellationToken);
        var ready = await ledger.ListAsync(Ops + "payouts?status=ready", limit: 50);
        Assert.NotEmpty(ready);
        var (mode, currency) = (ready[0].GetProperty("mode").GetString(), ready[0].GetProperty("currency").GetString());
        var (made, file) = await ledger.AskAsync(HttpMethod.Post, Ops + "payout_files", body: new { mode, currency }, idempotencyKey: "file-1");
        Assert.True(made == HttpStatusCode.OK, file.ToString());
        var id = file.GetProperty("id").GetString();

        // Whoever did not get the answer asks again and is given it; another request finds nothing more.
        var (repeated, same) = await ledger.AskAsync(HttpMethod.Post, Ops + "payout_files", body: new { mode, currency }, idempotencyKey: "file-1");
        Assert.Equal((HttpStatusCode.OK, file.ToString()), (repeated, same.ToString()));
        var (none, nothing) = await ledger.AskAsync(HttpMethod.Post, Ops + "payout_files", body: new { mode, currency });
        Assert.Equal((HttpStatusCode.Conflict, "no_payout_ready"), (none, nothing.GetProperty("code").GetString()));
        Assert.Equal([file.ToString()], (await ledger.ListAsync($"{Ops}payout_files?mode={mode}&currency={currency}")).Select(f => f.ToString()));
        Assert.Empty(await ledger.ListAsync($"{Ops}payout_files?mode={(mode == "test" ? "live" : "test")}"));
        var (type, xml) = await ledger.TextAsync(Ops + "payout_files/" + id, "application/xml");
        Assert.Equal(("application/xml", xml), (type, (await ledger.TextAsync(Ops + "payout_files/" + id, "application/xml")).Text));
        Assert.Equal(file.GetProperty("sha256").GetString(), Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(xml))));

        var (report, count) = (Ops + $"payout_files/{id}/status_report", file.GetProperty("payouts").GetInt32());
        foreach (var (changed, unchanged) in new[] { (count, 0), (0, count) })
        {
            var (status, answer) = await ledger.PutXmlAsync(report, StatusOf(id!, "ACSC"));
            Assert.Equal((HttpStatusCode.OK, (changed, unchanged, 0)), (status, CountsOf(answer)));
        }

        foreach (var (path, xml2, status2, code) in new[]
        {
            (report, StatusOf("pof_01k0x5w3n8e2v9y7t4r6q1m5za", "ACSC"), HttpStatusCode.BadRequest, "invalid_status_report"), (report, "<x/>", HttpStatusCode.BadRequest, "invalid_status_report"),
            (report, StatusOf(id!, "ACSC", "po_01k0x5w3n8e2v9y7t4r6q1m5za"), HttpStatusCode.BadRequest, "invalid_status_report"),
            (Ops + "payout_files/pof_01k0x5w3n8e2v9y7t4r6q1m5za/status_report", StatusOf(id!, "ACSC"), HttpStatusCode.NotFound, "payout_file_not_found"),
        })
        {
            var (refused, why) = await ledger.PutXmlAsync(path, xml2);
            Assert.Equal((status2, code), (refused, why.GetProperty("code").GetString()));
        }

        var (noXml, asJson) = await ledger.AskAsync(HttpMethod.Put, report, body: new { });
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "Content-Type"), (noXml, asJson.GetProperty("param").GetString()));

        var paid = (await ledger.ListAsync(Ops + "payouts?status=paid", limit: 50))[0].GetProperty("id").GetString();
        var back = default(System.Text.Json.JsonElement);
        foreach (var (person, stands) in new[] { ("ada", "paid"), ("ada", "paid"), ("ben", "returned"), ("ada", "returned") })
        {
            (var returned, back) = await ledger.AskAsync(HttpMethod.Post, $"{Ops}payouts/{paid}/report", body: new { status = "returned", reference = "R1", reason = "AC04", at = TimeProvider.System.GetUtcNow() }, person: person);
            Assert.Equal((HttpStatusCode.OK, stands), (returned, back.GetProperty("status").GetString()));
        }

        Assert.Equal("R1", back.GetProperty("reference").GetString());
        var (again, refusal) = await ledger.AskAsync(HttpMethod.Post, $"{Ops}payouts/{paid}/approve", body: new { account_version = 1 });
        Assert.Equal((HttpStatusCode.Conflict, "payout_state_conflict"), (again, refusal.GetProperty("code").GetString()));
        await ModelCheck.HoldsAsync(ledger.Books, TestContext.Current.CancellationToken);

        // What the bank refused is payable again when two people say so.
        var bed = await PayoutBed.OnAsync(ledger.Books, "EUR", 5_000);
        await bed.Books.CreateDueAsync(PayoutBed.Today, TestContext.Current.CancellationToken);
        var second = (await ledger.AskAsync(HttpMethod.Post, Ops + "payout_files", body: new { mode = "test", currency = "EUR" })).Body.GetProperty("id").GetString()!;
        var refusedXml = StatusOf(second, "RJCT", PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), PayoutBed.Today).ToString());
        foreach (var (person, counts) in new[] { ("ada", (0, 0, 1)), ("ada", (0, 0, 1)), ("ben", (1, 0, 0)), ("ada", (0, 1, 0)) })
        {
            Assert.Equal(counts, CountsOf((await ledger.PutXmlAsync($"{Ops}payout_files/{second}/status_report", refusedXml, person)).Body));
        }

        // Its merchant sees the same, and nobody else does.
        var (of, other) = ($"/internal/v1/merchants/{back.GetProperty("merchant_id").GetString()}/{mode}/payouts", $"/internal/v1/merchants/{LedgerDatabase.Ids.New<MerchantId>()}/{mode}/payouts");
        Assert.Contains(await ledger.ListAsync(of + "?status=returned"), p => p.GetProperty("id").GetString() == paid && !p.TryGetProperty("reason", out _));
        Assert.Equal(("returned", back.GetProperty("amount").GetInt64()), ((await ledger.GetAsync($"{of}/{paid}")).GetProperty("status").GetString(), (await ledger.GetAsync($"{of}/{paid}")).GetProperty("amount").GetInt64()));
        Assert.Empty(await ledger.ListAsync(other));
        Assert.Equal(HttpStatusCode.NotFound, (await ledger.AskAsync(HttpMethod.Get, $"{other}/{paid}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await ledger.AskAsync(HttpMethod.Get, $"{of.Replace($"/{mode}/", mode == "test" ? "/live/" : "/test/", StringComparison.Ordinal)}/{paid}")).Status);
    }

    // who asks for what → status, and what the answer says
    [Fact]
    public async Task Operators_approve_a_payout_to_an_account_and_a_changed_account_needs_two_of_them()
    {
        await using var ledger = await WithDebtorAsync();
        var bed = await PayoutBed.OnAsync(ledger.Books, "EUR", 1_000_001);
        await bed.Books.CreateDueAsync(PayoutBed.Today, TestContext.Current.CancellationToken);
        var approve = $"payouts/{PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), PayoutBed.Today)}/approve";
        var change = new { merchant_id = bed.Merchant.ToString(), mode = "test", standing = "cleared", name = "Ada's Mugs", iban = PayoutBed.Other.Iban, bic = PayoutBed.Other.Bic, reason = "moved" };
        foreach (var (person, path, body, status, says) in new (string, string, object, HttpStatusCode, string)[]
        {
            ("ada", approve, new { account_version = 1 }, HttpStatusCode.OK, "\"status\":\"awaiting_approval\""),
            ("ben", approve, new { account_version = 1 }, HttpStatusCode.OK, "\"status\":\"ready\""),
            ("eve", "payout_settings", change, HttpStatusCode.OK, "\"account_version\":2,\"account_confirmed\":false"),
            ("ada", approve, new { account_version = 1 }, HttpStatusCode.Conflict, "payout_account_changed"),
            ("ada", approve, new { account_version = 2 }, HttpStatusCode.OK, "after the approval"),
            ("ben", approve, new { account_version = 2 }, HttpStatusCode.OK, "\"account_version\":2,\"iban_last4\":\"5432\",\"account_confirmed\":false"),
            ("ben", "payout_files", new { mode = "test", currency = "EUR" }, HttpStatusCode.Conflict, "payout_account_unconfirmed"),
            ("eve", "payout_settings", change, HttpStatusCode.OK, "\"account_confirmed\":false"),
            ("ben", "payout_settings", change, HttpStatusCode.OK, "\"account_version\":2,\"account_confirmed\":true"),
            ("ben", "payout_files", new { mode = "test", currency = "EUR" }, HttpStatusCode.OK, "\"payouts\":1"),
        })
        {
            var (answered, answer) = await ledger.AskAsync(HttpMethod.Post, Ops + path, body: body, person: person);
            Assert.Equal((person, path, status), (person, path, answered));
            Assert.Contains(says, answer.GetRawText(), StringComparison.Ordinal);
        }
    }

    private async Task<LedgerService> WithDebtorAsync()
    {
        var ledger = await LedgerService.StartAsync(servers);
        await ledger.StopAsync();
        foreach (var (name, value) in new[] { ("PayoutDebtorName", "Payments Ltd"), ("PayoutDebtorIban", "GB82WEST12345698765432"), ("PayoutDebtorBic", "WESTGB2L") })
        {
            ledger.Settings["Payments:Ledger:" + name] = value;
        }

        await ledger.StartAsync();
        return ledger;
    }

    private static (int Changed, int Unchanged, int SecondPersonNeeded) CountsOf(System.Text.Json.JsonElement answer) =>
        (answer.GetProperty("changed").GetInt32(), answer.GetProperty("unchanged").GetInt32(), answer.GetProperty("second_person_needed").GetInt32());

    private static string StatusOf(string file, string status, string? payout = null) => $"""
        <Document><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>{file.Replace('_', '-')}</OrgnlMsgId><GrpSts>{(payout is null ? status : "PART")}</GrpSts></OrgnlGrpInfAndSts>
        {(payout is null ? "" : $"<OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>{payout.Replace('_', '-')}</OrgnlEndToEndId><TxSts>{status}</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>")}</CstmrPmtStsRpt></Document>
        """;
}
