using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>The ledger's side of the proof: payouts are booked, what is unmatched stands on the receivables, and resolving it clears them.</summary>
internal sealed class ProofBooks(ProofProduct product) : IAsyncDisposable
{
    private const string Breaks = "/ops/v1/reconciliation/breaks";

    // Accounts that money only passes through.
    private const string Clearing = """
        SELECT a.kind, a.owner, a.currency, sum(b.debits - b.credits)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
        WHERE a.kind IN ('provider_receivable', 'provider_cost_payable', 'provider_cost_variance', 'suspense', 'fx_clearing') GROUP BY a.kind, a.owner, a.currency ORDER BY 1, 2, 3
        """;

    private readonly NpgsqlDataSource ledger = NpgsqlDataSource.Create(product.Host.Backends.Connections[Names.Databases.Ledger]);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>As an operator gives the ledger a rate, which reconciliation takes over.</summary>
    public async Task QuoteAsync(string from, string to, decimal rate)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var people = await OperatorAsync("quoter");
        var quoted = await FlowProduct.PostAsync(
            people, "/ops/v1/ledger/rates",
            new { @base = from, quote = to, rate = rate.ToString(CultureInfo.InvariantCulture), source = "proof", observed_at = now, valid_from = now.AddDays(-10), valid_until = now.AddDays(10) }, Cancel);
        Assert.True(quoted.Status == HttpStatusCode.OK, quoted.Body);
        await product.UntilAsync($"SELECT count(*)::text FROM recon.rates WHERE currency = '{from}' AND net_currency = '{to}'", "1");
    }

    /// <summary>Every payout that the bank has is in the books; returns how many.</summary>
    public async Task<string> PayoutsBookedAsync()
    {
        var payouts = (await product.RowsAsync("SELECT count(*)::text FROM recon.items WHERE leg = 'bank'"))[0];
        await product.UntilAsync("SELECT count(*) FILTER (WHERE booked_at IS NOT NULL) || ' booked, ' || coalesce(string_agg(DISTINCT failure, ', '), 'none refused') FROM recon.bookings WHERE what = 'settlement'", $"{payouts} booked, none refused");
        return payouts;
    }

    /// <summary>What each provider still owes us by the ledger is what the breaks say that is unmatched.</summary>
    public async Task<List<string>> IsTheUnmatchedRestAsync()
    {
        var unmatched = await product.RowsAsync("""
            SELECT b.provider || ' ' || b.currency || ' ' || sum(l.gross)::bigint FROM recon.breaks b, recon.left_by(b) l
            WHERE b.leg = 'provider' GROUP BY b.provider, b.currency HAVING sum(l.gross) <> 0 ORDER BY 1
            """);
        await product.UntilAsync(
            """
            SELECT string_agg(r, E'\n' ORDER BY r) FROM (SELECT a.owner || ' ' || a.currency || ' ' || sum(b.debits - b.credits)::bigint AS r FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            WHERE a.kind = 'provider_receivable' GROUP BY a.owner, a.currency HAVING sum(b.debits - b.credits) <> 0) s
            """,
            string.Join('\n', unmatched), ledger);
        return unmatched;
    }

    /// <summary>By the product's endpoints, as two operators do it; returns how many of each way.</summary>
    public async Task<Dictionary<string, int>> ResolveAsync()
    {
        using var first = await OperatorAsync("proposer");
        using var second = await OperatorAsync("approver");
        var ways = new Dictionary<string, int>(StringComparer.Ordinal);
        var cursor = (string?)null;
        do
        {
            var page = await GetAsync(first, $"{Breaks}?limit=100{(cursor is null ? "" : "&cursor=" + cursor)}");
            foreach (var found in page.GetProperty("data").EnumerateArray().Where(b => Text(b, "state") is "open" && Text(b, "leg") is "provider"))
            {
                var way = await ResolveAsync(first, second, found);
                ways[way] = ways.GetValueOrDefault(way) + 1;
            }

            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);
        await product.UntilAsync("SELECT string_agg(DISTINCT state, ' ') || ' ' || (SELECT count(*) FROM recon.bookings WHERE booked_at IS NULL) FROM recon.breaks", "resolved 0");
        return ways;
    }

    /// <summary>
    /// What providers exchanged for us is exchanged back by our own bank, a little dearer, recorded by one person and approved by another; what that cost is
    /// booked when the position is valued. Returns it in words.
    /// </summary>
    public async Task<string> ExchangeBackAsync(decimal euroInDollars)
    {
        using var first = await OperatorAsync("treasurer");
        using var second = await OperatorAsync("controller");
        var euros = await BalanceAsync("fx_clearing", "EUR");
        Assert.True(euros > 0, $"{euros} EUR on fx_clearing");
        var dollars = (long)Math.Round(euros * euroInDollars * 1.002m);
        var recorded = await FlowProduct.PostAsync(
            first, "/ops/v1/ledger/exchanges",
            new
            {
                mode = "test",
                sold = new { amount = dollars, currency = "USD" },
                bought = new { amount = euros, currency = "EUR" },
                exchanged_at = TimeProvider.System.GetUtcNow().AddMinutes(-1),
                reference = "FX-PROOF",
                reason = "Euros for the merchants",
            }, Cancel);
        Assert.True(recorded.Status == HttpStatusCode.OK, recorded.Body);
        if (recorded.Text("status") == "awaiting_approval")
        {
            var alone = await FlowProduct.PostAsync(first, $"/ops/v1/ledger/exchanges/{recorded.Id}/approve", new { }, Cancel);
            Assert.Equal((HttpStatusCode.Conflict, "second_person_needed"), (alone.Status, alone.Text("code")));
            var approved = await FlowProduct.PostAsync(second, $"/ops/v1/ledger/exchanges/{recorded.Id}/approve", new { }, Cancel);
            Assert.True(approved.Status == HttpStatusCode.OK && approved.Text("status") == "booked", approved.Body);
        }

        var before = await BalanceAsync("fx_gain_loss", "USD");
        var valued = await FlowProduct.PostAsync(first, "/ops/v1/ledger/revaluations", new { mode = "test" }, Cancel);
        Assert.True(valued.Status == HttpStatusCode.OK, valued.Body);
        var won = valued.Json.GetProperty("gain").GetInt64();
        Assert.Equal(won, before - await BalanceAsync("fx_gain_loss", "USD"));
        return $"{euros} EUR cents bought back for {dollars} USD cents; {won} USD cents won by exchanges";
    }

    /// <summary>The clearing accounts as a table, and those that are not cleared.</summary>
    public async Task<(string Table, List<string> Left)> ClearingAsync()
    {
        await using var command = ledger.CreateCommand(Clearing);
        var (rows, text, left) = (new List<(string Kind, string Owner, string Currency, long Balance)>(), new StringBuilder(), new List<string>());
        await using (var reader = await command.ExecuteReaderAsync(Cancel))
        {
            while (await reader.ReadAsync(Cancel))
            {
                rows.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));
            }
        }

        text.AppendLine("clearing account        owner     currencies  not zero  sum of amounts");
        foreach (var account in rows.GroupBy(r => (r.Kind, r.Owner)))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{account.Key.Kind,-23} {account.Key.Owner,-9} {account.Count(),10}  {account.Count(a => a.Balance != 0),8}  {account.Sum(a => Math.Abs(a.Balance)),14}");
            left.AddRange(account.Where(a => a.Balance != 0).Select(a => $"{a.Kind} {a.Owner} {a.Currency} {a.Balance}"));
        }

        return (text.ToString(), left);
    }

    public ValueTask DisposeAsync() => ledger.DisposeAsync();

    // class → who bears it; what leaves nothing on the books is closed by a reason
    private static string BearerOf(string ofClass) => ofClass switch
    {
        "missing_there" or "missing_here" or "amount_mismatch" => "merchant",
        "duplicate" => "bank",
        _ => "provider_cost",
    };

    private async Task<long> BalanceAsync(string kind, string currency)
    {
        await using var command = ledger.CreateCommand("""
            SELECT coalesce(sum(b.debits - b.credits), 0)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.mode = 'test' AND a.kind = $1 AND a.currency = $2
            """);
        command.Parameters.Add(new() { Value = kind });
        command.Parameters.Add(new() { Value = currency });
        return (long)(await command.ExecuteScalarAsync(Cancel))!;
    }

    private async Task<string> ResolveAsync(HttpClient first, HttpClient second, JsonElement found)
    {
        var (id, ofClass, version) = (Text(found, "id")!, Text(found, "class")!, found.GetProperty("version").GetInt32());
        var correction = BearerOf(ofClass);
        var merchant = Text(found, "provider") == "stripe" ? product.Stripe.MerchantId : product.Adyen.MerchantId;
        var answer = await FlowProduct.PostAsync(
            first, $"{Breaks}/{id}/resolve", new { correction, reason = "The proof's.", version, merchant = ofClass == "missing_here" ? merchant.ToString() : null }, Cancel);
        if (answer.Status == HttpStatusCode.Conflict && answer.Text("code") == "nothing_to_book")
        {
            (answer, correction) = (await FlowProduct.PostAsync(first, $"{Breaks}/{id}/resolve", new { reason = "Booked with the payout." }, Cancel), "reason");
        }

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        if (answer.Text("state") != "proposed")
        {
            return $"{ofClass} {correction}";
        }

        var alone = await FlowProduct.PostAsync(first, $"{Breaks}/{id}/approve", new { version = answer.Json.GetProperty("version").GetInt32() }, Cancel);
        Assert.Equal((HttpStatusCode.Conflict, "second_person_needed"), (alone.Status, alone.Text("code")));
        var agreed = await FlowProduct.PostAsync(second, $"{Breaks}/{id}/approve", new { version = answer.Json.GetProperty("version").GetInt32() }, Cancel);
        Assert.True(agreed.Status == HttpStatusCode.OK, agreed.Body);
        return $"{ofClass} {correction}, two people";
    }

    private async Task<HttpClient> OperatorAsync(string name)
    {
        using var root = ProductFixture.Client(product.Host.Addresses.Api, product.Host.Secrets.OperatorKey);
        var made = await FlowProduct.PostAsync(root, "/ops/v1/operator_keys", new { name, person = name }, Cancel);
        return ProductFixture.Client(product.Host.Addresses.Api, made.Text("key"));
    }

    private static async Task<JsonElement> GetAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        return await ProductFixture.JsonAsync(answer, Cancel);
    }

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();
}
