using System.Net;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;
using Payments.Platform.Outbox;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class ServiceTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Published_events_become_balances_transactions_journals_and_a_zero_trial_balance()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var world = await ledger.LiveAsync(seed: 21, events: 600);
        await ModelCheck.HoldsAsync(ledger.Books, Cancel);
        Assert.Equal(LedgerDatabase.Text(world.Balances), await ledger.Books.FoldedAsync(Cancel));

        foreach (var (merchant, mode) in world.History.Select(h => (h.MerchantId, h.Mode)).Distinct())
        {
            await MerchantIsServedAsync(ledger, world, merchant, mode);
        }

        var trial = await ledger.GetAsync("/internal/v1/ops/trial_balance");
        Assert.Equal(
            world.Balances.Where(b => b.Value != 0).Select(b => (b.Key.Mode, b.Key.Currency)).Distinct().Count(),
            trial.GetProperty("data").EnumerateArray().Count(r => r.GetProperty("debits").GetInt64() > 0));
        Assert.All(trial.GetProperty("data").EnumerateArray(), r => Assert.Equal(0, r.GetProperty("difference").GetInt64()));
        var live = await ledger.GetAsync("/internal/v1/ops/trial_balance?mode=live&at=2026-03-01T00:00:00Z");
        Assert.All(live.GetProperty("data").EnumerateArray(), r => Assert.Equal(("live", 0), (r.GetProperty("mode").GetString(), r.GetProperty("debits").GetInt64())));

        var payment = world.History.First(h => h.Type == PaymentEventTypes.Captured).PaymentId;
        var journals = await ledger.ListAsync($"/internal/v1/ops/journals?payment={payment}", limit: 1);
        Assert.Equal(
            world.History.Where(h => h.PaymentId == payment && Postings.For(h).Count > 0).Select(h => h.Id.ToString()).Order(StringComparer.Ordinal),
            journals.Select(j => j.GetProperty("event").GetString()!).Order(StringComparer.Ordinal));
        var captured = Assert.Single(await ledger.ListAsync($"/internal/v1/ops/journals?event={world.History.First(h => h.Type == PaymentEventTypes.Captured).Id}"));
        Assert.Contains(captured.GetProperty("lines").EnumerateArray(), l => l.GetProperty("kind").GetString() == "capture" && l.GetProperty("action").GetString() == "post");
        Assert.Equal(captured.ToString(), (await ledger.GetAsync($"/internal/v1/ops/journals/{captured.GetProperty("id").GetString()}")).ToString());

        var chain = await ledger.GetAsync("/internal/v1/ops/chain/verify");
        Assert.True(chain.GetProperty("intact").GetBoolean());
        Assert.Equal(world.History.Count(h => Postings.For(h).Count > 0), chain.GetProperty("journals").GetInt64());
    }

    [Fact]
    public async Task An_accounts_movements_and_its_balance_at_any_time_agree()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 22, events: 200);
        var accounts = await ledger.ListAsync("/internal/v1/ops/accounts?mode=test&kind=merchant_pending");
        Assert.NotEmpty(accounts);
        Assert.All(accounts, a => Assert.Equal(("merchant_pending", "test"), (a.GetProperty("kind").GetString(), a.GetProperty("mode").GetString())));
        var account = accounts.MaxBy(a => a.GetProperty("version").GetInt64());
        var id = account.GetProperty("id").GetString()!;
        Assert.Equal(account.ToString(), (await ledger.GetAsync($"/internal/v1/ops/accounts/{id}")).ToString());

        var movements = await ledger.ListAsync($"/internal/v1/ops/accounts/{id}/movements", limit: 5);
        Assert.Equal(account.GetProperty("version").GetInt64(), movements.Count);
        Assert.Equal(account.GetProperty("balance").GetInt64(), movements[0].GetProperty("balance").GetInt64());
        Assert.Equal(
            Enumerable.Range(1, movements.Count).Reverse().Select(v => (long)v), movements.Select(m => m.GetProperty("version").GetInt64()));

        // Of the movements of one batch, which share their time of posting, the last one counts.
        foreach (var moment in movements.GroupBy(m => m.GetProperty("posted_at").GetString()!))
        {
            var at = await ledger.GetAsync($"/internal/v1/ops/balance?account={id}&at={Uri.EscapeDataString(moment.Key)}");
            Assert.Equal(moment.First().GetProperty("balance").GetInt64(), at.GetProperty("balance").GetInt64());
        }

        var before = await ledger.GetAsync($"/internal/v1/ops/balance?account={id}&at=2026-01-01T00:00:00Z");
        Assert.Equal((0, 0), (before.GetProperty("balance").GetInt64(), before.GetProperty("movements").GetInt64()));
        var effective = await ledger.GetAsync($"/internal/v1/ops/balance?account={id}&basis=effective&at=2027-01-01T00:00:00Z");
        Assert.Equal(account.GetProperty("balance").GetInt64(), effective.GetProperty("balance").GetInt64());
    }

    [Fact]
    public async Task Bad_input_is_refused_by_name()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var (merchant, payment) = (LedgerDatabase.Ids.New<MerchantId>(), LedgerDatabase.Ids.New<PaymentId>());
        var account = LedgerDatabase.Ids.New<AccountId>();
        (string Path, int Status, string Code, string Param)[] cases =
        [
            ("merchants/mer_nonsense/test/balance", 404, "merchant_not_found", "merchant"),
            ($"merchants/{merchant}/other/balance", 404, "merchant_not_found", "merchant"),
            ($"merchants/{merchant}/test/balance?mode=live", 400, "unknown_parameter", "mode"),
            ($"merchants/{merchant}/other/balance_transactions", 404, "merchant_not_found", "merchant"),
            ($"merchants/{merchant}/test/balance_transactions?limit=0", 400, "invalid_parameter", "limit"),
            ($"merchants/{merchant}/test/balance_transactions?limit=101", 400, "invalid_parameter", "limit"),
            ($"merchants/{merchant}/test/balance_transactions?cursor=abc", 400, "invalid_parameter", "cursor"),
            ($"merchants/{merchant}/test/balance_transactions?payment=pay_1", 400, "invalid_parameter", "payment"),
            ($"merchants/{merchant}/test/balance_transactions?type=payout", 400, "invalid_parameter", "type"),
            ($"merchants/{merchant}/test/balance_transactions?currency=DOLLARS", 400, "invalid_parameter", "currency"),
            ("ops/accounts?currency=usd", 400, "invalid_parameter", "currency"),
            ($"merchants/{merchant}/test/balance_transactions?payment={payment}&payment={payment}", 400, "duplicate_parameter", "payment"),
            ("ops/accounts?kind=nonsense", 400, "invalid_parameter", "kind"),
            ("ops/accounts?mode=both", 400, "invalid_parameter", "mode"),
            ("ops/accounts?color=red", 400, "unknown_parameter", "color"),
            ("ops/accounts/acc_1", 404, "account_not_found", "id"),
            ($"ops/accounts/{account}", 404, "account_not_found", "id"),
            ($"ops/accounts/{account}/movements", 404, "account_not_found", "id"),
            ($"ops/accounts/{account}/movements?limit=x", 400, "invalid_parameter", "limit"),
            ("ops/journals?event=evt_1", 400, "invalid_parameter", "event"),
            ("ops/journals?merchant=1", 400, "invalid_parameter", "merchant"),
            ($"ops/journals/{LedgerDatabase.Ids.New<JournalId>()}", 404, "journal_not_found", "id"),
            ("ops/journals/x", 404, "journal_not_found", "id"),
            ("ops/trial_balance?at=yesterday", 400, "invalid_parameter", "at"),
            ("ops/balance", 400, "missing_parameter", "account"),
            ("ops/balance?account=x", 400, "invalid_parameter", "account"),
            ($"ops/balance?account={account}", 404, "account_not_found", "account"),
            ($"ops/balance?account={account}&basis=felt", 400, "invalid_parameter", "basis"),
            ("ops/completeness?x=1", 400, "unknown_parameter", "x"),
            ("ops/months?x=1", 400, "unknown_parameter", "x"),
            ("ops/chain/verify?x=1", 400, "unknown_parameter", "x"),
        ];
        foreach (var (path, status, code, param) in cases)
        {
            var (answered, body) = await ledger.AskAsync(HttpMethod.Get, "/internal/v1/" + path);
            Assert.Equal((path, status, code, param), (path, (int)answered, body.GetProperty("code").GetString(), body.GetProperty("param").GetString()));
            Assert.Equal(HttpStatusCode.Unauthorized, (await ledger.AskAsync(HttpMethod.Get, "/internal/v1/" + path, key: null)).Status);
            Assert.Equal(HttpStatusCode.Unauthorized, (await ledger.AskAsync(HttpMethod.Get, "/internal/v1/" + path, key: "wrong")).Status);
        }

        var nobody = await ledger.GetAsync($"/internal/v1/merchants/{merchant}/test/balance");
        Assert.Equal(0, nobody.GetProperty("pending").GetArrayLength());
        Assert.Empty(await ledger.ListAsync($"/internal/v1/merchants/{merchant}/live/balance_transactions"));
    }

    private static async Task MerchantIsServedAsync(LedgerService ledger, World world, MerchantId merchant, Mode mode)
    {
        var path = $"/internal/v1/merchants/{merchant}/{Account.Text(mode)}";
        var balance = await ledger.GetAsync(path + "/balance");
        foreach (var pending in balance.GetProperty("pending").EnumerateArray())
        {
            var currency = pending.GetProperty("currency").GetString()!;
            var account = new OracleAccount(mode, merchant.ToString(), AccountKind.MerchantPending, currency);
            Assert.Equal(world.Balances.GetValueOrDefault(account), pending.GetProperty("amount").GetInt64());
            Assert.Equal(world.Held.GetValueOrDefault(account), Amount(balance, "authorized", currency));
            Assert.Equal((0, 0), (Amount(balance, "available", currency), Amount(balance, "reserved", currency)));

            var transactions = await ledger.ListAsync($"{path}/balance_transactions?currency={currency}");
            Assert.Equal(pending.GetProperty("amount").GetInt64(), transactions.Sum(t => t.GetProperty("net").GetInt64()));
            Assert.Equal(transactions.Count, transactions.Select(t => t.GetProperty("id").GetString()).Distinct().Count());
            Assert.All(transactions, t => Assert.Equal(t.GetProperty("net").GetInt64(), t.GetProperty("amount").GetInt64() - t.GetProperty("fee").GetInt64()));
            Assert.All(transactions, t => Assert.Equal(t.GetProperty("amount").GetInt64() > 0, t.GetProperty("type").GetString() is "charge" or "refund_failure"));
        }

        var captures = world.History.Count(h => h.Type == PaymentEventTypes.Captured && h.MerchantId == merchant && h.Mode == mode && h.Data.Operation!.AmountMinor > h.Data.Operation.SuspenseMinor);
        Assert.Equal(captures, (await ledger.ListAsync($"{path}/balance_transactions?type=charge", limit: 100)).Count);
    }

    private static long Amount(JsonElement balance, string list, string currency) =>
        balance.GetProperty(list).EnumerateArray().Single(a => a.GetProperty("currency").GetString() == currency).GetProperty("amount").GetInt64();
}
