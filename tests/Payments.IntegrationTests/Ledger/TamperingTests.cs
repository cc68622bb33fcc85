using System.Globalization;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class TamperingTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly string AMomentLater = AMomentAfter("id");

    // What a superuser may do with every trigger disabled, and what the verification then says of the journal.
    private static readonly (string Sql, string Problem)[] Tamperings =
    [
        ("UPDATE ledger.movements SET amount = amount + 1 WHERE journal_id = '{0}' AND line = 2", "was changed, added or removed"),
        ("UPDATE ledger.movements SET debit_account_id = credit_account_id, credit_account_id = debit_account_id WHERE journal_id = '{0}'", "was changed, added or removed"),
        ("UPDATE ledger.movements SET effective_at = effective_at - interval '1 day' WHERE journal_id = '{0}'", "times or the number"),
        ("DELETE FROM ledger.movements WHERE journal_id = '{0}' AND kind = 'commission'", "was changed, added or removed"),
        ($"UPDATE ledger.movements SET id = {AMomentLater} WHERE journal_id = '{{0}}' AND kind = 'capture'", "was changed, added or removed"),
        ("DELETE FROM ledger.pending_transfers WHERE journal_id = '{0}'", "was changed, added or removed"),
        ("UPDATE ledger.journals SET merchant_id = payment_id WHERE id = '{0}'", "was changed, added or removed"),
        ("UPDATE ledger.journals SET event_seq = event_seq + 1 WHERE id = '{0}'", "Its number, its time of posting"),
        ("UPDATE ledger.journals SET posted_at = posted_at - interval '1 second' WHERE id = '{0}'", "Its number, its time of posting"),
        ("UPDATE ledger.journals SET previous_hash = hash WHERE id = '{0}'", "does not follow"),
    ];

    [Fact]
    public async Task Tampered_journals_are_found_and_named_all_of_them_and_no_others()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var world = await ledger.LiveAsync(seed: 31, events: 300);
        var victims = world.History.Where(h => h.Type == PaymentEventTypes.Captured && h.Data.Authorization is null && h.Data.Operation!.SuspenseMinor == 0 && h.Data.Fees is { CommissionMinor: > 0 })
            .Take(Tamperings.Length).Select(h => new JournalId(h.Id.Value)).ToArray();
        for (var i = 0; i < Tamperings.Length; i++)
        {
            await ledger.TamperAsync(string.Format(CultureInfo.InvariantCulture, Tamperings[i].Sql, victims[i].Value));
        }

        var named = (await VerifyAsync(ledger)).GetProperty("breaks").EnumerateArray().ToDictionary(b => b.GetProperty("journal").GetString()!, b => b.GetProperty("problem").GetString());
        Assert.Equal(victims.Select(v => v.ToString()).Order(StringComparer.Ordinal), named.Keys.Order(StringComparer.Ordinal));
        for (var i = 0; i < Tamperings.Length; i++)
        {
            Assert.Contains(Tamperings[i].Problem, named[victims[i].ToString()], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_start_after_tampering_raises_findings_and_says_so_in_health()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var world = await ledger.LiveAsync(seed: 32, events: 150);
        var victim = new JournalId(world.History.First(h => h.Type == PaymentEventTypes.Captured && h.Data.Operation!.SuspenseMinor == 0).Id.Value);
        await ledger.StopAsync();
        await ledger.TamperAsync($"UPDATE ledger.movements SET amount = amount + 1 WHERE journal_id = '{victim.Value}' AND kind = 'capture'");
        await ledger.StartAsync();
        var report = await ledger.CompletenessAsync(c => LedgerService.Kinds(c).ToHashSet().IsSupersetOf(["chain_broken", "fold_differs", "running_balance_differs"]));
        Assert.Contains(report.GetProperty("findings").EnumerateArray(), f => f.GetProperty("kind").GetString() == "chain_broken" && f.GetProperty("subject").GetString() == victim.ToString());
        Assert.Contains("findings are open", (await ledger.GetAsync("/health")).ToString(), StringComparison.Ordinal);
    }

    // The chain looks for a journal's lines in the journal's own millisecond, and the audit where there are journals.
    [Fact]
    public async Task A_line_planted_behind_the_last_journal_is_found()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var world = await ledger.LiveAsync(seed: 34, events: 60);
        var victim = new JournalId(world.History.First(h => h.Type == PaymentEventTypes.Captured && h.Data.Operation!.SuspenseMinor == 0).Id.Value);
        await ledger.StopAsync();
        await ledger.TamperAsync($"""
            INSERT INTO ledger.movements (id, journal_id, line, kind, debit_account_id, credit_account_id, amount, currency,
                debit_version, debit_balance, credit_version, credit_balance, effective_at, posted_at)
            SELECT {AMomentAfter("(SELECT j.id FROM ledger.journals j ORDER BY j.id DESC LIMIT 1)")}, journal_id, line + 10, kind, debit_account_id, credit_account_id, amount, currency,
                debit_version, debit_balance, credit_version, credit_balance, effective_at, posted_at
            FROM ledger.movements WHERE journal_id = '{victim.Value}' AND kind = 'capture'
            """);
        await ledger.StartAsync();
        await ledger.CompletenessAsync(c => LedgerService.Kinds(c).ToHashSet().IsSupersetOf(["orphan", "fold_differs", "running_balance_differs"]));
    }

    [Fact]
    public async Task A_changed_account_is_named()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 33, events: 60);
        var account = (await ledger.ListAsync("/internal/v1/ops/accounts?kind=merchant_pending"))[0].GetProperty("id").GetString();
        Assert.True(Id.TryParse<AccountId>(account, out var id));
        await ledger.TamperAsync($"UPDATE ledger.accounts SET owner = 'mallory' WHERE id = '{id.Value}'");
        Assert.Equal([account], (await VerifyAsync(ledger)).GetProperty("changed_accounts").EnumerateArray().Select(a => a.GetString()));
    }

    [Fact]
    public async Task A_removed_journal_is_named_by_its_number()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 34, events: 150);
        var partition = await ledger.Books.ValueAsync<int>("SELECT partition FROM ledger.chain_heads ORDER BY seq DESC LIMIT 1", Cancel);
        await ledger.TamperAsync($"""
            DELETE FROM ledger.movements WHERE journal_id IN (SELECT id FROM ledger.journals WHERE partition = {partition} AND seq = 2);
            DELETE FROM ledger.pending_transfers WHERE journal_id IN (SELECT id FROM ledger.journals WHERE partition = {partition} AND seq = 2);
            DELETE FROM ledger.journals WHERE partition = {partition} AND seq = 2;
            """);
        var broken = Assert.Single((await VerifyAsync(ledger)).GetProperty("breaks").EnumerateArray());
        Assert.Equal((partition, 2, JsonValueKind.Null), (broken.GetProperty("partition").GetInt32(), broken.GetProperty("seq").GetInt32(), broken.GetProperty("journal").ValueKind));
    }

    // Whoever also rewrites the heads makes a chain that is whole in itself: only what was anchored outside tells.
    [Fact]
    public async Task A_chain_that_was_cut_and_closed_again_is_given_away_by_the_anchors()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 35, events: 150);
        var (status, anchor) = await ledger.AskAsync(HttpMethod.Post, "/internal/v1/ops/chain/anchor");
        Assert.Equal(System.Net.HttpStatusCode.OK, status);
        var head = anchor.GetProperty("heads").EnumerateArray().MaxBy(h => h.GetProperty("seq").GetInt64());
        var (partition, seq) = (head.GetProperty("partition").GetInt32(), head.GetProperty("seq").GetInt64());
        var intact = await VerifyAsync(ledger);
        Assert.True(intact.GetProperty("intact").GetBoolean());
        Assert.True(intact.GetProperty("anchors").GetProperty("checked").GetInt32() >= 1);

        await ledger.TamperAsync($"""
            DELETE FROM ledger.movements WHERE journal_id IN (SELECT id FROM ledger.journals WHERE partition = {partition} AND seq = {seq});
            DELETE FROM ledger.pending_transfers WHERE journal_id IN (SELECT id FROM ledger.journals WHERE partition = {partition} AND seq = {seq});
            UPDATE ledger.chain_heads SET seq = seq - 1, hash = (SELECT previous_hash FROM ledger.journals WHERE partition = {partition} AND seq = {seq}) WHERE partition = {partition};
            DELETE FROM ledger.journals WHERE partition = {partition} AND seq = {seq};
            """);
        var report = await VerifyAsync(ledger);
        Assert.Equal(0, report.GetProperty("breaks").GetArrayLength());
        Assert.False(report.GetProperty("intact").GetBoolean());
        Assert.Contains($"Journal {seq} of ledger partition {partition}", report.GetProperty("anchors").GetProperty("breaks")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rewritten_anchor_file_is_noticed()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 36, events: 60);
        await ledger.AskAsync(HttpMethod.Post, "/internal/v1/ops/chain/anchor");
        await ledger.AskAsync(HttpMethod.Post, "/internal/v1/ops/chain/anchor");
        var lines = (await File.ReadAllLinesAsync(ledger.AnchorFile, Cancel)).Where(l => l.Length > 0).ToArray();
        await File.WriteAllLinesAsync(ledger.AnchorFile, lines.Where((_, i) => i != lines.Length - 2), Cancel);
        var report = await VerifyAsync(ledger);
        Assert.False(report.GetProperty("intact").GetBoolean());
        Assert.Contains("does not follow", report.GetProperty("anchors").GetProperty("breaks")[0].GetString(), StringComparison.Ordinal);
    }

    private static string AMomentAfter(string id) => $"(lpad(to_hex(('x' || left(replace({id}::text, '-', ''), 12))::bit(48)::bigint + 1), 12, '0') || right(replace({id}::text, '-', ''), 20))::uuid";

    private static Task<JsonElement> VerifyAsync(LedgerService ledger) => ledger.GetAsync("/internal/v1/ops/chain/verify");
}
