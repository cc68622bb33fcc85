using System.Globalization;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Payments.Platform;
using Payments.Reconciliation;
using Payments.Reconciliation.Imports;
using Payments.Reconciliation.Matching;
using Payments.Reconciliation.Reports;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A product of its own: every charge in its providers' books is one of these payments.</summary>
public sealed class ReconciliationProduct(EmbeddedServers servers) : FlowProduct(servers)
{
    protected override Dictionary<string, string?> Configuration() => new(base.Configuration())
    {
        ["Payments:Reconciliation:FetchSeconds"] = "1",
        ["Payments:Reconciliation:StatementQuietSeconds"] = "0",
    };
}

/// <summary>Payments through the running system, reports and statements made of the simulators' books with faults thrown in, and what is found.</summary>
public sealed class ProductReconciliationTests(ReconciliationProduct product, EmbeddedServers servers) : IClassFixture<ReconciliationProduct>
{
    private const int PaymentsPerProvider = 24;
    private static readonly string[] Currencies = ["USD", "EUR", "GBP", "JPY", "CHF", "SEK"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task Exactly_the_faults_are_found_each_with_its_class_and_cent_and_the_bank_has_the_rest()
    {
        var directory = servers.CreateDirectory();
        var payments = new Dictionary<string, List<string>>();
        foreach (var (provider, shop) in new[] { ("stripe", product.Stripe), ("adyen", product.Adyen) })
        {
            payments[provider] = [];
            for (var i = 0; i < PaymentsPerProvider; i++)
            {
                var token = await shop.TokenAsync(Cancel);
                var paid = await FlowProduct.PostAsync(
                    shop.Merchant, "/v1/payments",
                    new { amount = 10_000 + (100 * i), currency = i == 6 ? "EUR" : Currencies[i % Currencies.Length], payment_method = new { token }, capture_method = "automatic" }, Cancel);
                Assert.True(paid.Text("status") == "captured", paid.Body);
                payments[provider].Add(paid.Id);
            }

            foreach (var refunded in payments[provider][10..14])
            {
                await shop.PostAsync(refunded, "refunds", new { amount = 1_500 }, Cancel);
                await shop.UntilAsync(refunded, "partially_refunded", Cancel);
            }
        }

        await ItemsAsync(2 * (PaymentsPerProvider + 4));
        await SameAsLedgerAsync();

        // Payment 0 is left out, 1 has a double from nowhere, 2 is there twice, 3 and 4 are altered, 5 is booked on the next day, 6 is exchanged.
        await RatesAsync();
        foreach (var (provider, ids) in payments)
        {
            await FaultAsync(provider, "missing", ids[0], new { });
            await FaultAsync(provider, "extra", ids[1], new { });
            await FaultAsync(provider, "duplicated", ids[2], new { });
            await FaultAsync(provider, "amount_altered", ids[3], new { by = 7 });
            await FaultAsync(provider, "fee_altered", ids[4], new { by = 3 });
            await FaultAsync(provider, "next_day", ids[5], new { });
            await FaultAsync(provider, "exchanged", ids[6], new { currency = "USD", rate = 1.05m });
            await FaultAsync(provider, "rounded", ids[7], new { });
        }

        await ImportAsync(directory, Later());
        var (from, through) = (Today(-1), Today(1));
        await TellAsync("adyen/announce", new { from, through, batch = 7 });
        await TellAsync("stripe/pay", new { through });
        await FetchedAsync();
        foreach (var (currency, i) in Currencies.Select((c, i) => (c, i)))
        {
            var form = i % 2 == 0 ? "camt053" : "mt940";
            await PutAsync($"bank.{currency}", await DownloadAsync($"bank/{form}?from={from}&through={through}&batch=7&currency={currency}"));
        }

        await BankedAsync(Currencies.Length);

        await product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<Matcher>().MatchAsync(null, null, Cancel);

        Assert.Equal(Expected(payments).Order(StringComparer.Ordinal), (await FoundAsync()).Order(StringComparer.Ordinal));
        var bank = await RowsAsync("SELECT l.provider || ' ' || (SELECT count(*) FROM recon.entries e WHERE e.line_id = l.line_id AND e.class <> 'matched') FROM recon.lines l WHERE l.leg = 'bank'");
        Assert.NotEmpty(bank);
        Assert.All(bank, b => Assert.EndsWith(" 0", b, StringComparison.Ordinal));
        Assert.All(await new DayReports(Database).ListAsync(null, null, null, null, 1_000, Cancel), r => Assert.All(r.Currencies, c => Assert.Equal(c.Difference, c.Classes.Sum(s => s.Amount))));
        await ToldAsync(payments["stripe"][8], payments["adyen"][3]);
        await DownloadedAsync();
    }

    /// <summary>A report as every form of it, at the product's own door.</summary>
    private async Task DownloadedAsync()
    {
        using var people = ProductFixture.Client(product.Host.Addresses.Api, product.Host.Secrets.OperatorKey);
        using var list = await people.GetAsync(new Uri("/ops/v1/reconciliation/reports?limit=1", UriKind.Relative), Cancel);
        var id = (await ProductFixture.JsonAsync(list, Cancel)).GetProperty("data")[0].GetProperty("id").GetString();
        foreach (var (query, type, beginning) in new[]
        {
            ("", "application/json", "{\"id\":"), ("?format=json", "application/json", "{\"id\":"), ("?format=csv", "text/csv", "mode,leg,provider,day"), ("?format=html", "text/html", "<!doctype html>"),
        })
        {
            using var report = await people.GetAsync(new Uri($"/ops/v1/reconciliation/reports/{id}{query}", UriKind.Relative), Cancel);
            Assert.Equal((System.Net.HttpStatusCode.OK, type), (report.StatusCode, report.Content.Headers.ContentType?.MediaType));
            Assert.StartsWith(beginning, await report.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }
    }

    private async Task TellAsync(string what, object body)
    {
        using var answer = await product.Simulators.PostAsJsonAsync("/settlement/" + what, body, Cancel);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    /// <summary>By the provider's webhook or its API, with nobody's help: every payout and the batch.</summary>
    private async Task FetchedAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/payouts?limit=100");
        request.Headers.Authorization = new("Bearer", product.Host.Secrets.StripeApiKey);
        using var answer = await product.Simulators.SendAsync(request, Cancel);
        var payouts = (await ProductFixture.JsonAsync(answer, Cancel)).GetProperty("data").GetArrayLength();
        Assert.True(payouts > 1, "several currencies are paid out");
        string[] expected = ["adyen done 1", $"stripe done {payouts}"];
        await UntilAsync("reports are fetched", () => RowsAsync("SELECT provider || ' ' || state || ' ' || count(*) FROM recon.fetches GROUP BY provider, state ORDER BY 1"), expected);
    }

    /// <summary>As the bank puts a statement into its directory: under another name until it is whole.</summary>
    private async Task PutAsync(string name, string text)
    {
        var directory = Directory.CreateDirectory(Path.Combine(product.Host.Options.DataDirectory, "statements", "test")).FullName;
        await File.WriteAllTextAsync(Path.Combine(directory, name + ".part"), text, Cancel);
        File.Move(Path.Combine(directory, name + ".part"), Path.Combine(directory, name));
    }

    private Task BankedAsync(int files) => UntilAsync(
        "statements are read", () => RowsAsync("SELECT count(*)::text FROM recon.imports WHERE format IN ('camt053', 'mt940') AND state = 'complete' AND lines_quarantined = 0"),
        [files.ToString(CultureInfo.InvariantCulture)]);

    private static Task UntilAsync(string what, Func<Task<List<string>>> rows, IReadOnlyList<string> expected) => Eventually.BecomesTrueAsync(
        what, async () => await rows() is var found && found.SequenceEqual(expected) ? null : string.Join(", ", found), Cancel);

    private static string Today(int later) => TimeProvider.System.GetUtcNow().AddDays(later).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static IEnumerable<string> Expected(Dictionary<string, List<string>> payments) => payments.SelectMany(p => new[]
    {
        $"{p.Key} {p.Value[0]} missing_there ", $"{p.Key} nobody missing_here ", $"{p.Key} nobody duplicate ", $"{p.Key} {p.Value[3]} amount_mismatch -7", $"{p.Key} {p.Value[4]} fee_difference 3",
        $"{p.Key} {p.Value[6]} fx_difference ", $"{p.Key} {p.Value[7]} fee_difference 1 resolved",
    });

    private async Task<List<string>> FoundAsync()
    {
        var rows = await RowsAsync("""
            SELECT concat_ws('|', provider, coalesce(payment_id::text, ''), class, CASE WHEN class IN ('amount_mismatch', 'fee_difference') THEN amount::text END, CASE WHEN state = 'resolved' THEN 'resolved' END)
            FROM recon.breaks WHERE leg = 'provider' AND NOT EXISTS (SELECT 1 FROM recon.lines l WHERE l.line_id = breaks.line_id AND l.reference LIKE '%LATER')
            """);
        return [.. rows.Select(row =>
        {
            var parts = row.Split('|');
            var payment = parts[1].Length == 0 ? "nobody" : new PaymentId(Guid.Parse(parts[1])).ToString();
            return $"{parts[0]} {payment} {parts[2]} {string.Join(' ', parts[3..])}";
        })];
    }

    /// <summary>One payment's story, by whoever asks the service.</summary>
    private async Task ToldAsync(string matched, string altered)
    {
        var explanations = product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<Explanations>();
        Assert.True(Id.TryParse<PaymentId>(matched, out var id) && Id.TryParse<PaymentId>(altered, out _), "payments have ids");
        var (story, _) = await explanations.FindAsync(id, Cancel);
        var item = Assert.Single(story!.Items);
        Assert.Equal(("payment.captured", "matched", 0L, null), (item.Event, item.Class, item.Difference, item.Break));
        var line = Assert.Single(item.Lines);
        Assert.StartsWith("po_sim", line.File, StringComparison.Ordinal);
        Assert.Equal("matched", line.BankClass);
        Assert.StartsWith("po_sim", line.Bank!.Reference, StringComparison.Ordinal);

        _ = Id.TryParse<PaymentId>(altered, out id);
        var wrong = Assert.Single((await explanations.FindAsync(id, Cancel)).Told!.Items);
        Assert.Equal(("amount_mismatch", -7L), (wrong.Class, wrong.Difference));
        Assert.StartsWith("rbk_", wrong.Break, StringComparison.Ordinal);
    }

    /// <summary>What we expect is what the ledger has on the providers' receivables.</summary>
    private async Task SameAsLedgerAsync()
    {
        await using var ledger = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Ledger]);
        const string receivables = """
            SELECT a.owner || ' ' || a.currency || ' ' || sum(b.debits - b.credits)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            WHERE a.kind = 'provider_receivable' GROUP BY a.owner, a.currency HAVING sum(b.debits - b.credits) <> 0 ORDER BY 1
            """;
        const string expected = "SELECT provider || ' ' || currency || ' ' || sum(gross)::bigint FROM recon.items WHERE leg = 'provider' GROUP BY provider, currency HAVING sum(gross) <> 0 ORDER BY 1";
        var items = await RowsAsync(expected);
        await UntilAsync("the ledger has what we expect", () => RowsAsync(receivables, ledger), items);
    }

    private Task ItemsAsync(int count) =>
        UntilAsync("every movement is expected", () => RowsAsync("SELECT count(*)::text FROM recon.items"), [count.ToString(CultureInfo.InvariantCulture)]);

    private async Task RatesAsync()
    {
        await using var command = Database.CreateCommand("INSERT INTO recon.rates (day, currency, net_currency, rate, source) VALUES ('2026-01-01', 'EUR', 'USD', 1.10, 'test')");
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private async Task FaultAsync(string provider, string kind, string payment, object more)
    {
        var charge = Assert.Single(await product.ChargesAsync(provider, payment, Cancel));
        var reference = charge.GetProperty(provider == "stripe" ? "payment_intent" : "psp_reference").GetString();
        var fault = new Dictionary<string, object?> { ["provider"] = provider, ["kind"] = kind, ["reference"] = reference };
        foreach (var property in more.GetType().GetProperties())
        {
            fault[property.Name] = property.GetValue(more);
        }

        using var answer = await product.Simulators.PostAsJsonAsync("/settlement/faults", fault, Cancel);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private async Task<string> DownloadAsync(string path)
    {
        using var answer = await product.Simulators.GetAsync(new Uri("/settlement/" + path, UriKind.Relative), Cancel);
        var text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    private async Task ImportAsync(string directory, params (string Name, string Text)[] files)
    {
        var importer = product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<Importer>();
        foreach (var (name, text) in files)
        {
            var path = Path.Combine(directory, name);
            await File.WriteAllTextAsync(path, text, Cancel);
            var result = await importer.ImportAsync(path, Mode.Test, null, null, Cancel);
            Assert.True(result is { State: "complete", Quarantined: 0 }, $"{result} {text}");
        }
    }

    // Statements of later days: what is missing today will not come any more.
    private static (string, string)[] Later() =>
    [
        ("later_stripe.csv", $"""
            automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id
            po_later,{Today(12)} 00:00:00,txn_later,{Today(10)} 00:00:00,usd,1.00,0.00,1.00,charge,ch_LATER
            """),
        ("later_adyen.csv", $"""
            Merchant Account,Psp Reference,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number
            Shop,PSPLATER,{Today(10)} 12:00:00,UTC,Settled,PSPLATER,USD,,1.00,USD,,1.00,,0.00,,,8
            """),
    ];

    private async Task<List<string>> RowsAsync(string sql, NpgsqlDataSource? database = null)
    {
        await using var command = (database ?? Database).CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancel))
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }
}
