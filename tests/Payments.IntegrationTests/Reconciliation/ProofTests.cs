using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Payments.IntegrationTests.Reviews;
using Payments.Platform;
using Payments.Reconciliation.Matching;
using Payments.Reconciliation.Reports;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>
/// Payments through the running system over three days, at both providers, in fifteen currencies, with refunds and disputes; forty
/// discrepancies of every class in what the providers say, found, resolved and cleared from the books. Small here; <c>./recon.sh prove --payments 10000 --seed S</c> is the same with more.
/// </summary>
public sealed class ProofTests(ProofProduct product, ITestOutputHelper output) : IClassFixture<ProofProduct>
{
    private const int Batch = 7;
    private const decimal EuroInDollars = 1.10m;
    private static readonly string[] Currencies = ["USD", "EUR", "GBP", "JPY", "CHF", "SEK", "AUD", "CAD", "DKK", "NOK", "PLN", "CZK", "NZD", "SGD", "KWD"];
    private static readonly string?[] Disputes = ["lost", "accepted", "won"];
    private static readonly string[] Kinds = ["missing", "extra", "duplicated", "amount_altered", "fee_altered", "rounded", "next_day", "exchanged"];
    private readonly Random random = new(Number("PAYMENTS_PROVE_SEED", 20261128));
    private readonly int payments = Number("PAYMENTS_PROVE_PAYMENTS", 240);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private sealed record Paid(string Provider, string Payment, string Currency, int Day, string? Then, int Movements);

    private sealed record Fault(string Kind, Paid Of, string Reference, long By);

    [Fact]
    public async Task Exactly_the_discrepancies_that_were_thrown_in_are_found_each_with_its_class_and_cent_and_resolving_them_clears_the_books()
    {
        await using var books = new ProofBooks(product);
        await books.QuoteAsync("EUR", "USD", EuroInDollars);
        var (paid, days) = await PayAsync();
        var movements = paid.Sum(p => p.Movements);
        await product.UntilAsync("SELECT count(*)::text FROM recon.items WHERE leg = 'provider'", movements.ToString(CultureInfo.InvariantCulture));
        await SameAsLedgerAsync();
        var faults = await InjectAsync(paid);
        Assert.Equal(40, faults.Count);

        await FetchAsync(days[0], days[^1].AddDays(1));
        await product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<Matcher>().MatchAsync(null, null, Cancel);

        var expected = (await Task.WhenAll(faults.Select(ExpectedAsync))).OfType<string>().Order(StringComparer.Ordinal).ToList();
        // What a rule closes is being booked for a moment.
        var found = await product.RowsAsync("""
            SELECT concat_ws(' ', b.provider, coalesce(i.reference, l.reference), b.class, b.currency, b.amount,
                CASE WHEN b.state = 'resolved' THEN 'by ' || b.resolved_by WHEN b.state = 'booking' THEN 'by rule ' || b.closing_rule END)
            FROM recon.breaks b LEFT JOIN recon.items i ON i.item_id = b.item_id LEFT JOIN recon.lines l ON l.line_id = b.line_id WHERE b.leg = 'provider'
            """);
        var shifted = await product.RowsAsync("""
            SELECT i.provider || ' ' || i.reference FROM recon.entries e JOIN recon.items i ON i.item_id = e.settles_item
            WHERE e.leg = 'provider' AND e.class = 'matched' AND e.from_class = 'timing' AND e.amount = 0
            """);
        var late = faults.Where(f => f.Kind == "next_day").Select(f => $"{f.Of.Provider} {f.Reference}").Order(StringComparer.Ordinal).ToList();
        await TellAsync(paid, faults, expected, found);

        Assert.Equal(expected, found.Order(StringComparer.Ordinal));
        Assert.Equal(late, shifted.Order(StringComparer.Ordinal).Intersect(late));
        Assert.Equal(
            [$"{movements}"],
            await product.RowsAsync("SELECT (SELECT sum(ours_count) FROM recon.day_totals WHERE leg = 'provider')::bigint::text"));
        Assert.Empty(await product.RowsAsync("SELECT provider || ' ' || class FROM recon.entries WHERE leg = 'bank' AND class NOT IN ('matched', 'timing')"));
        Assert.All(await new DayReports(product.Database).ListAsync(null, null, null, null, 10_000, Cancel), r => Assert.All(r.Currencies, c => Assert.Equal(c.Difference, c.Classes.Sum(s => s.Amount))));
        await ClearAsync(books);
        await ExplainAsync(paid, faults);
    }

    /// <summary>Of any payment it can be said where its money is, and why.</summary>
    private async Task ExplainAsync(List<Paid> paid, List<Fault> faults)
    {
        var explanations = product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<Explanations>();
        foreach (var of in new[] { paid.First(p => p.Then is null && faults.All(f => f.Of != p)), paid.First(p => p.Then == "refunded"), faults.First(f => f.Kind == "amount_altered").Of, faults.First(f => f.Kind == "missing").Of })
        {
            Assert.True(Id.TryParse<PaymentId>(of.Payment, out var id));
            var told = (await explanations.FindAsync(id, Cancel)).Told!;
            var text = string.Join('\n', told.Story);
            output.WriteLine($"{of.Payment}, {of.Then ?? faults.FirstOrDefault(f => f.Of == of)?.Kind ?? "captured"}:\n{text}\n");
            Assert.Contains("The ledger has payment.captured as jrn_", text, StringComparison.Ordinal);
            Assert.Equal(told.Items.Any(i => i.Lines.Count > 0), text.Contains("The ledger has booked", StringComparison.Ordinal));
            Assert.EndsWith("No difference is open.", text, StringComparison.Ordinal);
            Assert.Equal(told.Breaks.Count > 0, text.Contains("; booked for it: ", StringComparison.Ordinal));
            Assert.DoesNotContain("(not yet)", text, StringComparison.Ordinal);
            Assert.Equal(await product.RowsAsync($"SELECT count(*)::text FROM recon.breaks WHERE payment_id = '{id.Value}'"), [$"{told.Breaks.Count}"]);
        }
    }

    /// <summary>Payouts are booked; what the ledger still has of each provider is the unmatched rest; resolving that leaves nothing.</summary>
    private async Task ClearAsync(ProofBooks books)
    {
        var payouts = await books.PayoutsBookedAsync();
        var rest = await books.IsTheUnmatchedRestAsync();
        output.WriteLine($"{payouts} payouts booked; the receivables of the ledger are the unmatched rest in {rest.Count} books of provider and currency: {string.Join(", ", rest)}");
        var ways = await books.ResolveAsync();
        foreach (var (way, count) in ways.OrderBy(w => w.Key, StringComparer.Ordinal))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"resolved: {count,3} {way}"));
        }

        output.WriteLine(await books.ExchangeBackAsync(EuroInDollars));
        var (table, left) = await books.ClearingAsync();
        output.WriteLine(table);
        output.WriteLine($"VERDICT {(left.Count == 0 ? "PASS: every clearing account is zero" : "FAIL: " + string.Join(", ", left))}");
        Assert.Empty(left);
    }

    private async Task<(List<Paid> Paid, List<DateOnly> Days)> PayAsync()
    {
        var (paid, days) = (new List<Paid>(), new List<DateOnly>());
        // Stripe takes no less than 15.00 CZK, and KWD in steps of 10.
        var plan = Enumerable.Range(0, payments).Select(i => (
            Provider: i % 2 == 0 ? "stripe" : "adyen", Currency: Currencies[i / 2 % Currencies.Length], Amount: 10 * (200L + random.Next(1_500)), Day: (i * 3 / payments) - 1, Then: i % 11 == 0 ? "refunded" : i % 13 == 5 ? Disputes[i / 13 % Disputes.Length] : null)).ToList();
        var began = TimeProvider.System.GetTimestamp();
        foreach (var day in plan.GroupBy(p => p.Day))
        {
            days.Add(product.GoTo(day.Key));
            output.WriteLine($"{days[^1]:yyyy-MM-dd}: {day.Count()} payments");
            await Parallel.ForEachAsync(day, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel }, async (p, cancel) =>
            {
                var shop = p.Provider == "stripe" ? product.Stripe : product.Adyen;
                var token = (await ProofProduct.InsistAsync(shop.Shopper, "/v1/tokens", new { card = new { number = "4242424242424242", exp_month = 12, exp_year = 2034, cvc = "123" } }, cancel)).Id;
                var made = await ProofProduct.InsistAsync(
                    shop.Merchant, "/v1/payments", new { amount = p.Amount, currency = p.Currency, payment_method = new { token }, capture_method = "automatic" }, cancel);
                await shop.UntilAsync(made.Id, "captured", cancel);
                if (p.Then == "refunded")
                {
                    await ProofProduct.InsistAsync(shop.Merchant, $"/v1/payments/{made.Id}/refunds", new { amount = p.Amount / 30 * 10 }, cancel);
                    await shop.UntilAsync(made.Id, "partially_refunded", cancel);
                }

                var disputed = p.Then is { } outcome and not "refunded" ? await product.DisputeAsync(shop, made.Id, outcome, cancel) : 0;

                // A provider that is slow for a moment is passed over.
                var provider = (await ReviewDesk.GetAsync(shop.Merchant, $"/v1/payments/{made.Id}")).GetProperty("provider").GetString()!;
                lock (paid)
                {
                    paid.Add(new(provider, made.Id, p.Currency, p.Day, p.Then, 1 + disputed + (p.Then == "refunded" ? 1 : 0)));
                    if (paid.Count % 500 == 0)
                    {
                        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {paid.Count} of {payments} payments after {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0} s"));
                    }
                }
            });
        }

        return ([.. paid.OrderBy(p => p.Payment, StringComparer.Ordinal)], days);
    }

    /// <summary>Five of each kind, on payments of their own. Only what is still young on the last day could come later: nothing of that is left out.</summary>
    private async Task<List<Fault>> InjectAsync(List<Paid> paid)
    {
        await using (var command = product.Database.CreateCommand("""
            UPDATE recon.rules SET days = 0 WHERE leg = 'provider'
            """))
        {
            await command.ExecuteNonQueryAsync(Cancel);
        }

        var free = paid.Where(p => p.Then is null).OrderBy(_ => random.Next()).ToList();
        var faults = new List<Fault>();
        foreach (var kind in Kinds)
        {
            for (var i = 0; i < 5; i++)
            {
                var of = free.First(p => (p.Currency == "EUR") == (kind == "exchanged") && p.Provider == (i % 2 == 0 ? "stripe" : "adyen") && (kind is not ("missing" or "next_day") || p.Day < 1));
                free.Remove(of);
                var charge = Assert.Single(await product.ChargesAsync(of.Provider, of.Payment, Cancel));
                var reference = charge.GetProperty(of.Provider == "stripe" ? "payment_intent" : "psp_reference").GetString()!;
                var fault = new Fault(kind, of, reference, 1 + random.Next(90));
                using var answer = await product.Simulators.PostAsJsonAsync(
                    "/settlement/faults", new Dictionary<string, object?> { ["provider"] = of.Provider, ["kind"] = kind, ["reference"] = reference, ["by"] = fault.By, ["currency"] = "USD", ["rate"] = 1.05m }, Cancel);
                Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancel));
                faults.Add(fault);
            }
        }

        return faults;
    }

    /// <summary>What has to be found, from what we booked and what was done to it; null for what is only late.</summary>
    private async Task<string?> ExpectedAsync(Fault fault)
    {
        Assert.True(Id.TryParse<PaymentId>(fault.Of.Payment, out var id));
        var row = (await product.RowsAsync($"SELECT gross || ' ' || fee FROM recon.items WHERE payment_id = '{id.Value}' AND kind = 'capture'")).Single().Split(' ');
        var (gross, fee) = (long.Parse(row[0], CultureInfo.InvariantCulture), long.Parse(row[1], CultureInfo.InvariantCulture));
        var found = fault.Kind switch
        {
            "missing" => $"{fault.Reference} missing_there {fault.Of.Currency} {gross - fee}",
            "extra" => $"{fault.Reference}x missing_here {fault.Of.Currency} {-(gross - fee)}",
            "duplicated" => $"{fault.Reference} duplicate {fault.Of.Currency} {-(gross - fee)}",
            "amount_altered" => $"{fault.Reference} amount_mismatch {fault.Of.Currency} {-fault.By}",
            "fee_altered" => $"{fault.Reference} fee_difference {fault.Of.Currency} {fault.By}{(fault.By == 1 ? " by rule 10" : "")}",
            "rounded" => $"{fault.Reference} fee_difference {fault.Of.Currency} 1 by rule 10",
            "exchanged" => $"{fault.Reference} fx_difference {fault.Of.Currency} {gross - fee - Rounded((Rounded(gross * 1.05m) - Rounded(fee * 1.05m)) / 1.10m)}",
            _ => null,
        };
        return found is null ? null : $"{fault.Of.Provider} {found}";
    }

    private static long Rounded(decimal amount) => (long)Math.Round(amount, 0, MidpointRounding.AwayFromZero);

    /// <summary>By webhook, by API and by the bank's directory.</summary>
    private async Task FetchAsync(DateOnly first, DateOnly last)
    {
        var (from, through) = (first.ToString("O", CultureInfo.InvariantCulture), last.ToString("O", CultureInfo.InvariantCulture));
        foreach (var (what, body) in new[] { ("adyen/announce", (object)new { from, through, batch = Batch }), ("stripe/pay", new { through }) })
        {
            using var told = await product.Simulators.PostAsJsonAsync("/settlement/" + what, body, Cancel);
            Assert.True(told.IsSuccessStatusCode, await told.Content.ReadAsStringAsync(Cancel));
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/payouts?limit=100");
        request.Headers.Authorization = new("Bearer", product.Host.Secrets.StripeApiKey);
        using var answer = await product.Simulators.SendAsync(request, Cancel);
        var payouts = (await ProductFixture.JsonAsync(answer, Cancel)).GetProperty("data").GetArrayLength();
        await product.UntilAsync("SELECT string_agg(s, ', ' ORDER BY s) FROM (SELECT provider || ' ' || state || ' ' || count(*) AS s FROM recon.fetches GROUP BY provider, state) f", $"adyen done 1, stripe done {payouts}");

        var inbox = Directory.CreateDirectory(Path.Combine(product.Host.Options.DataDirectory, "statements", "test")).FullName;
        foreach (var (currency, i) in Currencies.Select((c, i) => (c, i)))
        {
            var statement = await product.Simulators.GetStringAsync(new Uri($"/settlement/bank/{(i % 2 == 0 ? "camt053" : "mt940")}?from={from}&through={through}&batch={Batch}&currency={currency}", UriKind.Relative), Cancel);
            await File.WriteAllTextAsync(Path.Combine(inbox, currency + ".part"), statement, Cancel);
            File.Move(Path.Combine(inbox, currency + ".part"), Path.Combine(inbox, currency));
        }

        await product.UntilAsync("SELECT count(*) || ' ' || coalesce(sum(lines_quarantined), 0) FROM recon.imports WHERE format IN ('camt053', 'mt940') AND state = 'complete'", $"{Currencies.Length} 0");
    }

    /// <summary>What we expect of each provider is what the ledger has on its receivable.</summary>
    private async Task SameAsLedgerAsync()
    {
        await using var ledger = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Ledger]);
        var expected = string.Join('\n', await product.RowsAsync("SELECT provider || ' ' || currency || ' ' || sum(gross)::bigint FROM recon.items WHERE leg = 'provider' GROUP BY provider, currency HAVING sum(gross) <> 0 ORDER BY 1"));
        await product.UntilAsync(
            """
            SELECT string_agg(r, E'\n' ORDER BY r) FROM (SELECT a.owner || ' ' || a.currency || ' ' || sum(b.debits - b.credits)::bigint AS r FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            WHERE a.kind = 'provider_receivable' GROUP BY a.owner, a.currency HAVING sum(b.debits - b.credits) <> 0) s
            """,
            expected, ledger);
    }

    private async Task TellAsync(List<Paid> paid, List<Fault> faults, List<string> expected, List<string> found)
    {
        var text = new StringBuilder();
        var lines = (await product.RowsAsync("SELECT count(*)::text FROM recon.lines WHERE leg = 'provider'"))[0];
        text.AppendLine(CultureInfo.InvariantCulture, $"{paid.Count} payments, {paid.Count(p => p.Then == "refunded")} refunds, {paid.Count(p => Disputes.Contains(p.Then))} disputes, {paid.Select(p => p.Currency).Distinct().Count()} currencies, {paid.Select(p => p.Day).Distinct().Count()} days, {lines} lines of both providers, {faults.Count} discrepancies");
        text.AppendLine("class              expected  found  as expected");
        foreach (var group in expected.Concat(found).Select(ClassOf).Distinct().Order(StringComparer.Ordinal))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{group,-18} {expected.Count(e => ClassOf(e) == group),8}  {found.Count(f => ClassOf(f) == group),5}  {expected.Count(e => ClassOf(e) == group && found.Contains(e)),11}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"{"timing",-18} {faults.Count(f => f.Kind == "next_day"),8}  (answered on the next day, no break)");
        text.AppendLine(CultureInfo.InvariantCulture, $"VERDICT {(expected.SequenceEqual(found.Order(StringComparer.Ordinal)) ? "PASS: exactly the discrepancies that were thrown in were found" : "FAIL")}");
        output.WriteLine(text.ToString());

        static string ClassOf(string row) => row.Split(' ')[2];
    }

    private static int Number(string name, int usual) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : usual;
}
