using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Payments.Platform;
using Payments.Reconciliation.Imports;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>A product that takes settlement reports at once, and gives webhooks no time to tell of their charges first.</summary>
public sealed class ReportedProduct(EmbeddedServers servers) : FlowProduct(servers)
{
    protected override Dictionary<string, string?> Configuration() => new(base.Configuration())
    {
        ["Payments:Reconciliation:FetchSeconds"] = "1",
        ["Payments:Reconciliation:MatchSeconds"] = "1",
        ["Payments:Reconciliation:BookSeconds"] = "1",
        ["Payments:Reconciliation:TellChargesAfterMinutes"] = "0",
        // Nobody else finds out.
        ["Payments:Deadlines:Unknown"] = "01:00:00",
    };
}

/// <summary>Adyen has no list of charges: where its webhooks are lost too, its settlement report is the last to tell.</summary>
public sealed class ReportedChargeTests(ReportedProduct product) : IClassFixture<ReportedProduct>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_only_a_report_tells_of_settles_an_unknown_payment_or_goes_to_suspense_and_undoes_nothing()
    {
        var settled = await product.Adyen.PayAsync(Cancel, 7_300);
        var attempt = (await product.Adyen.UntilAsync(settled.Id, "captured", Cancel)).GetProperty("attempts")[0].GetProperty("id").GetString()!;
        await product.InjectAsync("adyen", "webhook", "webhook_lost", Cancel, count: null);
        await product.InjectAsync("adyen", "authorize", "drop_after", Cancel);
        var unknown = await product.Adyen.PayAsync(Cancel, 5_200);
        Assert.Equal((HttpStatusCode.Accepted, "processing"), (unknown.Status, unknown.Text("status")));
        var strange = await ChargeAsync(4_100, "somebody's");
        var second = await ChargeAsync(7_300, attempt);

        // Webhooks are sent in their own time, and one that is sent when faults are over is not lost.
        await Eventually.BecomesTrueAsync(
            "every webhook is lost",
            async () => (await product.Simulators.GetFromJsonAsync<System.Text.Json.JsonElement>(new Uri("/webhooks", UriKind.Relative), Cancel)).GetProperty("under_way").GetInt32() is > 0 and var left
                ? $"{left} are under way" : null,
            Cancel);
        await product.ClearFaultsAsync();
        await ImportHugeAsync();

        using var announced = await product.Simulators.PostAsJsonAsync("/settlement/adyen/announce", new { from = Today(-1), through = Today(1), batch = 7 }, Cancel);
        Assert.True(announced.IsSuccessStatusCode, await announced.Content.ReadAsStringAsync(Cancel));

        // Ours, whose outcome nobody knew.
        var captured = await product.Adyen.UntilAsync(unknown.Id, "captured", Cancel);
        Assert.Equal(5_200, captured.GetProperty("amount_captured").GetInt64());
        var paid = captured.GetProperty("provider_reference").GetString()!;

        // Nobody's: in suspense, with a break of its own, a recovery and an incident.
        using var people = ProductFixture.Client(product.Host.Addresses.Api, product.Host.Secrets.OperatorKey);
        var suspended = await OneAsync(people, "/ops/v1/breaks?status=open", b => b.GetProperty("provider_reference").GetString() == strange);
        Assert.Equal((4_100, "USD", "charge"), (suspended.GetProperty("amount").GetInt64(), suspended.GetProperty("currency").GetString(), suspended.GetProperty("kind").GetString()));
        Assert.Equal("settlement report", (await OneAsync(people, "/ops/v1/recoveries?kind=charge_suspended", _ => true)).GetProperty("actor").GetString());
        await using var ledger = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Ledger]);
        await UntilAsync("suspense has it", ledger, "SELECT sum(b.credits - b.debits)::text FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.kind = 'suspense'", "4100");

        // A second charge of a payment stays a break for people, however often the rounds come by. The comparison has closed the others.
        await using var reconciliation = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Reconciliation]);
        await UntilAsync(
            "the breaks are told and closed", reconciliation,
            $"""
            SELECT string_agg(told, ', ' ORDER BY told) FROM (
                SELECT concat_ws(' ', CASE l.reference WHEN '{paid}' THEN 'ours' WHEN '{strange}' THEN 'strange' WHEN '{second}' THEN 'second' WHEN 'PSPHUGE' THEN 'huge' END, t.verdict, b.state, b.resolved_how) AS told
                FROM recon.breaks b JOIN recon.lines l ON l.line_id = b.line_id JOIN recon.told_charges t USING (break_id)
                WHERE l.reference IN ('{paid}', '{strange}', '{second}', 'PSPHUGE')) told
            """,
            "huge refused open, ours tell resolved comparison, second left open, strange suspend resolved comparison");
        Assert.Equal(7_300, (await product.Adyen.GetAsync($"/v1/payments/{settled.Id}", Cancel)).GetProperty("amount_captured").GetInt64());
        Assert.Single(await product.ChargesAsync("adyen", settled.Id, Cancel));
    }

    [Theory]
    [InlineData("{}", "missing_field", "mode")]
    [InlineData("{\"mode\":\"test\",\"provider\":\"adyen\",\"reference\":\"\",\"amount_minor\":1,\"currency\":\"USD\",\"occurred_at\":\"2026-01-01T00:00:00Z\",\"attempt\":null}", "invalid_value", "reference")]
    [InlineData("{\"mode\":\"test\",\"provider\":\"adyen\",\"reference\":\"x\",\"amount_minor\":0,\"currency\":\"USD\",\"occurred_at\":\"2026-01-01T00:00:00Z\",\"attempt\":null}", "invalid_value", "amount_minor")]
    [InlineData("{\"mode\":\"test\",\"provider\":\"adyen\",\"reference\":\"x\",\"amount_minor\":1,\"currency\":\"XXX\",\"occurred_at\":\"2026-01-01T00:00:00Z\",\"attempt\":null}", "invalid_value", "currency")]
    public async Task What_no_charge_can_be_is_refused_by_name(string body, string code, string param)
    {
        using var service = ProductFixture.Client(product.Host.Addresses.Api, product.Host.Secrets.InternalKey);
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await service.PostAsync(new Uri("/internal/v1/reported_charges", UriKind.Relative), content, Cancel);
        var problem = await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(Cancel);
        Assert.Equal((HttpStatusCode.BadRequest, code, param), (answer.StatusCode, problem.GetProperty("code").GetString(), problem.GetProperty("param").GetString()));
    }

    // More than a payment can be: no charge of ours, and no reason to keep the others waiting.
    private async Task ImportHugeAsync()
    {
        var path = Path.Combine(product.Host.Options.DataDirectory, "huge.csv");
        await File.WriteAllTextAsync(path, $"""
            Merchant Account,Psp Reference,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number
            Other,PSPHUGE,{Today(0)} 00:00:00,UTC,Settled,PSPHUGE,USD,,900000000000.00,USD,,900000000000.00,,0.00,,,8
            """, Cancel);
        var result = await product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<Importer>().ImportAsync(path, Mode.Test, null, null, Cancel);
        Assert.True(result is { State: "complete", Quarantined: 0 }, result.ToString());
    }

    private Task<string> ChargeAsync(long amount, string reference) => ChargesProduct.ChargeAtAdyenAsync(
        product.Simulators, product.Host.Secrets.AdyenApiKey, amount, reference, Cancel, metadata: new() { ["capture"] = "automatic" });

    private static async Task<System.Text.Json.JsonElement> OneAsync(HttpClient people, string path, Func<System.Text.Json.JsonElement, bool> holds)
    {
        System.Text.Json.JsonElement? found = null;
        await Eventually.BecomesTrueAsync(
            $"{path} shows it",
            async () =>
            {
                found = (await Fire.Shop.ListAsync(people, path, Cancel)).Cast<System.Text.Json.JsonElement?>().FirstOrDefault(row => holds(row!.Value));
                return found is null ? "not there" : null;
            },
            Cancel);
        return found!.Value;
    }

    private static Task UntilAsync(string what, NpgsqlDataSource database, string sql, string expected) => Eventually.BecomesTrueAsync(
        what,
        async () =>
        {
            await using var command = database.CreateCommand(sql);
            return await command.ExecuteScalarAsync(Cancel) is string found && found == expected ? null : $"{await command.ExecuteScalarAsync(Cancel)}";
        },
        Cancel);

    private static string Today(int later) => TimeProvider.System.GetUtcNow().AddDays(later).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
