using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Payments.Core;
using Payments.Ledger.Payouts;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class PayoutKillTests(EmbeddedServers servers)
{
    private const string Ops = "/internal/v1/ops/";

    // Ids, times and the hash of the bank's answer, which names the file, are each payout's own.
    private const string Story = """
        SELECT string_agg(t, E'\n' ORDER BY t) FROM (
            SELECT 'payout ' || row(p.mode, p.currency, p.amount, p.due_on)::text AS t FROM ledger.payouts p WHERE p.id = $1
            UNION ALL SELECT 'change ' || row(c.version, c.before, c.state, c.reason, c.by_whom, split_part(c.evidence, ' ', 1), c.reference <> '')::text FROM ledger.payout_changes c WHERE c.payout_id = $1
            UNION ALL SELECT 'file ' || row(f.mode, f.currency, f.execute_on, f.payouts, f.total, i.settings_version)::text FROM ledger.payout_file_items i JOIN ledger.payout_files f ON f.id = i.file_id WHERE i.payout_id = $1
            UNION ALL SELECT 'to show ' || s.state FROM ledger.payouts_to_show s WHERE s.payout_id = $1
            UNION ALL SELECT 'payout ' || row(h.event_type, h.mode)::text FROM ledger.journals h WHERE h.payment_id = $1
            UNION ALL SELECT 'posted ' || row(j.event_type, m.line, m.kind, d.kind, c.kind, m.amount, m.currency)::text
                FROM ledger.journals j JOIN ledger.movements m ON m.journal_id = j.id JOIN ledger.accounts d ON d.id = m.debit_account_id JOIN ledger.accounts c ON c.id = m.credit_account_id WHERE j.payment_id = $1
            UNION ALL SELECT 'payout ' || t.action || ' ' || row(j.event_type, t.kind, t.amount, t.currency)::text
                FROM ledger.journals j JOIN ledger.pending_transfers t ON t.journal_id = j.id WHERE j.payment_id = $1) s
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_ledger_that_is_killed_at_any_step_of_a_payout_pays_it_once_after_its_restart()
    {
        await using var service = await LedgerService.StartAsync(servers);
        await service.StopAsync();
        foreach (var (name, value) in new[] { ("PayoutDebtorName", "Payments Ltd"), ("PayoutDebtorIban", "GB82WEST12345698765432"), ("PayoutDebtorBic", "WESTGB2L") })
        {
            service.Settings["Payments:Ledger:" + name] = value;
        }

        var aim = Path.Combine(servers.CreateDirectory(), "aim");
        var ledger = await LedgerProcess.StartAsync(service, aim);

        // One that nothing happens to: what its tables and journals say is what they have to say of each of the others.
        var undisturbed = await PayoutBed.OnAsync(service.Books, "EUR", 5_000);
        await LiveAsync(ledger, IdOf(undisturbed), mayDie: false);
        var expected = await service.Books.ValueAsync<string>(Story, Cancel, IdOf(undisturbed).Value);
        Assert.Contains("payout release", expected, StringComparison.Ordinal);
        foreach (var step in PayoutSteps.All)
        {
            await File.WriteAllTextAsync(aim, step, Cancel);
            var bed = await PayoutBed.OnAsync(service.Books, "EUR", 5_000);
            var id = IdOf(bed);
            await LiveAsync(ledger, id, mayDie: true);
            await ledger.DiedAsync();
            Assert.True(File.Exists(aim + ".hit"), step);
            File.Delete(aim + ".hit");
            ledger.Dispose();

            ledger = await LedgerProcess.StartAsync(service, aim);
            await LiveAsync(ledger, id, mayDie: false);
            Assert.Equal((step, (0L, 0L)), (step, await bed.PayableAsync()));
            Assert.Equal((step, expected), (step, await service.Books.ValueAsync<string>(Story, Cancel, id.Value)));
        }

        ledger.Dispose();
        Assert.Equal(PayoutSteps.All.Count + 1, await service.Books.ValueAsync<long>("SELECT count(*) FROM ledger.payout_files", Cancel));
        await ModelCheck.HoldsAsync(service.Books, Cancel);
    }

    private static PayoutId IdOf(PayoutBed bed) => PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime));

    /// <summary>From the round that makes it to the bank's answer, as an operator does it who repeats what was not answered.</summary>
    private static async Task LiveAsync(LedgerProcess ledger, PayoutId id, bool mayDie)
    {
        try
        {
            var payout = await UntilAsync(ledger, id, _ => true);
            if (payout.GetProperty("status").GetString() == "ready")
            {
                // Another key than that of the request over which it died: that one is still held for a while.
                using var request = new HttpRequestMessage(HttpMethod.Post, Ops + "payout_files") { Content = JsonContent.Create(new { mode = "test", currency = "EUR" }) };
                request.Headers.Add("Idempotency-Key", $"{id} {mayDie}");
                using var made = await ledger.Http.SendAsync(request, Cancel);
                payout = await UntilAsync(ledger, id, p => p.GetProperty("status").GetString() != "ready");
            }

            var file = payout.GetProperty("reference").GetString();
            using var xml = new StringContent($"<Document><OrgnlGrpInfAndSts><OrgnlMsgId>{file!.Replace('_', '-')}</OrgnlMsgId><GrpSts>ACSC</GrpSts></OrgnlGrpInfAndSts></Document>", Encoding.UTF8, "application/xml");
            using var told = await ledger.Http.PutAsync(new Uri($"{Ops}payout_files/{file}/status_report", UriKind.Relative), xml, Cancel);
            await UntilAsync(ledger, id, p => p.GetProperty("status").GetString() == "paid");
        }
        catch (Exception e) when (mayDie && e is HttpRequestException or IOException)
        {
            // It died over this request.
        }
    }

    private static async Task<JsonElement> UntilAsync(LedgerProcess ledger, PayoutId id, Func<JsonElement, bool> holds)
    {
        while (true)
        {
            var page = await ledger.Http.GetFromJsonAsync<JsonElement>(Ops + "payouts?limit=100", Cancel);
            if (page.GetProperty("data").EnumerateArray().FirstOrDefault(p => p.GetProperty("id").GetString() == id.ToString()) is { ValueKind: JsonValueKind.Object } found && holds(found))
            {
                return found;
            }

            await Task.Delay(100, Cancel);
        }
    }
}
