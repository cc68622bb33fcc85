using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.IntegrationTests.Fraud;
using Payments.Ledger.Books;
using Payments.Ledger.Exchanges;
using Payments.Ledger.Payouts;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.BadInput;

/// <summary>Real objects behind every path of the document.</summary>
internal sealed partial class Surface
{
    private async Task SeedAsync()
    {
        Ids["/v1/tokens/id"] = await TokenAsync(Owner);
        var (stored, account) = await SendAsync("POST", "/v1/tokens", Owner.Publishable, Flow.Shop.BankAccount("000123456789"));
        Assert.True(stored == 201, account.ToString());
        BankToken = account.GetProperty("id").GetString()!;
        var (_, endpoint) = await SendAsync("POST", "/v1/webhook_endpoints", Owner.Secret, new { url = "http://127.0.0.1:1/hook" });
        Ids["/v1/webhook_endpoints/id"] = endpoint.GetProperty("id").GetString()!;

        Ids["/v1/orders/order_id"] = OrderId;
        Ids["/v1/payments/id"] = await PaymentAsync(captured: false);
        var captured = await PaymentAsync(captured: true);
        Ids["POST /v1/payments/{id}/refunds id"] = Ids["/ops/v1/payments/id"] = captured;
        var (refunded, refund) = await SendAsync("POST", $"/v1/payments/{captured}/refunds", Owner.Secret, new { amount = 100 });
        Assert.True(refunded == 201, refund.ToString());
        Ids["/v1/refunds/id"] = refund.GetProperty("id").GetString()!;
        await UntilAsync(async () => (await SendAsync("GET", "/v1/refunds/" + Ids["/v1/refunds/id"], Owner.Secret)).Body.GetProperty("status").GetString() == "succeeded");
        Ids["/v1/disputes/id"] = await DisputeAsync();
        Ids["/v1/disputes/evidence_kind"] = "receipt";
        Ids["POST /v1/disputes/{id}/accept id"] = await DisputeAsync();
        Ids["/v1/events/id"] = await FirstAsync("/v1/events", Owner.Secret);
        Ids["/v1/webhook_endpoints/delivery_id"] = await FirstAsync($"/v1/webhook_endpoints/{Ids["/v1/webhook_endpoints/id"]}/deliveries", Owner.Secret);

        var ops = product.Host.Secrets.OperatorKey;
        Ids["/ops/v1/merchants/id"] = Owner.MerchantId;
        Ids["/ops/v1/merchants/key_id"] = Owner.KeyId;
        var (_, made) = await SendAsync("POST", "/ops/v1/operator_keys", ops, new { name = "Surface" });
        Ids["/ops/v1/operator_keys/id"] = made.GetProperty("operator_key").GetProperty("id").GetString()!;
        Ids["/ops/v1/ledger/accounts/id"] = await FirstAsync("/ops/v1/ledger/accounts", ops);
        Ids["/ops/v1/ledger/journals/id"] = await FirstAsync("/ops/v1/ledger/journals", ops);
        Ids["/v1/settlements/id"] = await SettlementAsync();
        await SeedPayoutsAsync();
        await SeedExchangesAsync();
        await SeedRiskAsync(ops);
        (Ids["/ops/v1/risk/models/id"], Ids["/ops/v1/risk/payments/id"]) = await ModelSample.AddAsync(product.ConnectionString(Names.Databases.Fraud), Token);
        (Ids["/ops/v1/incidents/id"], Ids["/ops/v1/breaks/id"]) = await (stray ??= StrayAsync());
        await SeedReviewsAsync(ops);
        Ids["/ops/v1/ledger/findings/id"] = await ConflictAsync();
        await DifferenceAsync();
        Ids["/ops/v1/reconciliation/payments/id"] = captured;
        Ids["/ops/v1/reconciliation/reports/id"] = "test.provider.stripe.20260105";
        await SeedBreaksAsync();
        Ids["/ops/v1/dead_letters/service"] = "ledger";
        Ids["/ops/v1/consumers/service"] = "ledger";
        Ids["/ops/v1/consumers/consumer"] = "ledger";
        Ids["/ops/v1/dead_letters/id"] = "dl_00000000000000000000000001";
    }

    /// <summary>Of a payment at the provider that takes texts, too.</summary>
    private async Task<string> DisputeAsync()
    {
        await SendAsync("PATCH", $"/ops/v1/merchants/{Owner.MerchantId}", product.Host.Secrets.OperatorKey, new { routing = new { preferred_provider = "stripe" } });
        var payment = await PaymentAsync(captured: true);
        var charge = (await SendAsync("GET", "/v1/payments/" + payment, Owner.Secret)).Body.GetProperty("provider_reference").GetString();
        using var opened = await product.Simulators.PostAsJsonAsync("/disputes", new { provider = "stripe", charge }, Token);
        await ProductFixture.JsonAsync(opened, Token);
        return await FirstAsync("/v1/disputes?payment=" + payment, Owner.Secret);
    }

    /// <summary>For the merchant's and the operators' endpoints one entry and one rule each, the merchant's, which has been dry-run.</summary>
    private async Task SeedRiskAsync(string ops)
    {
        foreach (var (prefix, value) in new[] { ("/v1", "499997"), ("/ops/v1", "499999") })
        {
            var (_, blocked) = await SendAsync("POST", "/v1/risk/lists", Owner.Secret, new { action = "block", kind = "bin", value });
            Ids[prefix + "/risk/lists/id"] = blocked.GetProperty("id").GetString()!;
            var (_, rule) = await SendAsync("POST", "/v1/risk/rules", Owner.Secret, new { name = "rule_" + value, condition = "ip.cards_1h > 5", action = "review" });
            var id = Ids[prefix + "/risk/rules/id"] = rule.GetProperty("id").GetString()!;
            var (status, tried) = await SendAsync("POST", $"{prefix}/risk/rules/{id}/dry_run", prefix == "/v1" ? Owner.Secret : ops, new { });
            Assert.True(status == 200, tried.ToString());
        }
    }

    /// <summary>Holds that a person must decide about: one to look at, and one for each decision, claimed.</summary>
    private async Task SeedReviewsAsync(string ops)
    {
        foreach (var act in new[] { "", "approve", "reject", "request_3ds" })
        {
            var payment = await PaymentAsync(captured: false);
            Assert.True(Core.Id.TryParse<Core.PaymentId>(payment, out var id));
            await using var source = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Payments));
            await using var command = source.CreateCommand("""
                WITH held AS (UPDATE payments SET held_for_review = true, status = 'in_review' WHERE id = $1 RETURNING merchant_id, mode, id)
                INSERT INTO reviews (merchant_id, mode, payment_id, score, due_at) SELECT merchant_id, mode, id, 71, now() + interval '2 hours' FROM held
                """);
            command.Parameters.Add(new() { Value = id.Value });
            await command.ExecuteNonQueryAsync(Token);
            var review = "rev" + payment["pay".Length..];
            Ids[act.Length == 0 ? "/ops/v1/reviews/id" : $"POST /ops/v1/reviews/{{id}}/{act} id"] = review;
            if (act.Length > 0)
            {
                var (status, claimed) = await SendAsync("POST", $"/ops/v1/reviews/{review}/claim", ops, new { });
                Assert.True(status == 200, claimed.ToString());
            }
        }
    }

    /// <summary>A posting conflict that somebody has closed already: nothing of these books is open by it.</summary>
    private async Task<string> ConflictAsync()
    {
        await using var ledger = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Ledger));
        await using var command = ledger.CreateCommand("""
            INSERT INTO ledger.findings AS f (kind, subject, detail, resolved_at) VALUES ('posting_conflict', 'surface', 'planted', now())
            ON CONFLICT (kind, subject) DO UPDATE SET detail = f.detail RETURNING id
            """);
        return ((long)(await command.ExecuteScalarAsync(Token))!).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>What is booked of the owner's captures, settled now: no schedule waits for a test. What is booked meanwhile is after the cut-off.</summary>
    private async Task<string> SettlementAsync()
    {
        await using var ledger = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Ledger));
        Assert.True(Core.Id.TryParse<Core.MerchantId>(Owner.MerchantId, out var merchant));
        Guid? batch = null;
        await UntilAsync(async () =>
        {
            await using var record = ledger.CreateCommand("""
                INSERT INTO ledger.settlement_cutoffs (cut_at, epoch, heads, house_seq)
                SELECT clock_timestamp() + interval '1 hour', gen_random_uuid(),
                    (SELECT array_agg((SELECT coalesce(max(j.event_seq), 0) FROM ledger.journals j WHERE j.partition = p) ORDER BY p) FROM generate_series(0, 15) p),
                    (SELECT coalesce(max(j.seq), 0) FROM ledger.journals j WHERE j.partition = 1000)
                RETURNING cut_at
                """);
            var cutAt = (DateTime)(await record.ExecuteScalarAsync(Token))!;
            await using var settle = ledger.CreateCommand("""
                SELECT ledger.settle(gen_random_uuid(), a.id, $2, $3, current_date, 0, NULL, 'USD', NULL, 0)
                FROM ledger.accounts a WHERE a.owner = $1 AND a.kind = 'merchant_pending' AND a.mode = 'test' AND a.currency = 'USD'
                """);
            settle.Parameters.Add(new() { Value = Owner.MerchantId });
            settle.Parameters.Add(new() { Value = merchant.Value });
            settle.Parameters.Add(new() { Value = cutAt });
            batch = await settle.ExecuteScalarAsync(Token) as Guid?;
            return batch is not null;
        });
        return Core.Id.Format("stl", batch!.Value);
    }

    /// <summary>Payouts of the owner: one to approve, one to cancel, one for a bank file, and one that is in a file.</summary>
    private async Task SeedPayoutsAsync()
    {
        Assert.True(Core.Id.TryParse<Core.MerchantId>(Owner.MerchantId, out var merchant));
        var ledger = product.Host.ServicesOf(Names.Services.Ledger);
        var settings = ledger.GetRequiredService<PayoutSettings>();
        Assert.NotNull(await settings.SetAsync(Core.Mode.Test, merchant, PayoutStanding.Cleared, new PayoutMinimum(1), new("Ada's Mugs", "DE89370400440532013000", "COBADEFFXXX"), "surface", "surface", Token));
        await PayableAsync(merchant, ("SEK", 2_000_000), ("NOK", 2_000_000), ("EUR", 5_000), ("DKK", 5_000));
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        await ledger.GetRequiredService<PayoutBooks>().CreateDueAsync(today, Token);
        Ids["/ops/v1/ledger/payouts/id"] = Ids["/v1/payouts/id"] = PayoutIds.Of(Core.Mode.Test, merchant, Core.Currency.Of("SEK"), today).ToString();
        Ids["POST /ops/v1/ledger/payouts/{id}/report id"] = PayoutIds.Of(Core.Mode.Test, merchant, Core.Currency.Of("NOK"), today).ToString();
        var (status, file) = await SendAsync("POST", "/ops/v1/ledger/payout_files", product.Host.Secrets.OperatorKey, new { mode = "test", currency = "DKK" });
        Assert.True(status == 200, file.ToString());
        Ids["/ops/v1/ledger/payout_files/id"] = file.GetProperty("id").GetString()!;
    }

    /// <summary>One that stands open, and two that somebody else recorded and that wait for a second person: one to approve, one to refuse.</summary>
    private async Task SeedExchangesAsync()
    {
        var ledger = product.Host.ServicesOf(Names.Services.Ledger);
        await using (var rate = ledger.GetRequiredService<NpgsqlDataSource>().CreateCommand("""
            INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
            SELECT coalesce(max(version), 0) + 1, 'EUR', 'USD', 1.085, 'surface', now(), now() - interval '1 day', now() + interval '1 day', 'surface' FROM ledger.rates WHERE base = 'EUR' AND quote = 'USD'
            ON CONFLICT DO NOTHING
            """))
        {
            await rate.ExecuteNonQueryAsync(Token);
        }

        foreach (var (use, sold, bought, verdict) in new[]
        {
            ("", 108L, 100L, ExchangeVerdict.Done),
            ("/ops/v1/ledger/exchanges/id", 217_000, 200_000, ExchangeVerdict.AwaitingApproval),
            ("POST /ops/v1/ledger/exchanges/{id}/refuse id", 325_500, 300_000, ExchangeVerdict.AwaitingApproval),
        })
        {
            var exchange = new OwnExchange(
                new Core.IdSource(TimeProvider.System).New<Core.JournalId>(), Core.Mode.Test, new(sold, Core.Currency.Of("USD")), new(bought, Core.Currency.Of("EUR")), TimeProvider.System.GetUtcNow(),
                $"{sold} of {Owner.MerchantId}", "surface");
            await using var connection = await ledger.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Token);
            await using var transaction = await connection.BeginTransactionAsync(Token);
            Assert.Equal(verdict, await ledger.GetRequiredService<OwnExchanges>().RecordAsync(transaction, exchange, "surface", Token));
            await transaction.CommitAsync(Token);
            if (use.Length > 0)
            {
                Ids[use] = exchange.Id.ToString();
            }
        }
    }

    /// <summary>As if settlement had made it payable.</summary>
    private async Task PayableAsync(Core.MerchantId merchant, params (string Currency, long Amount)[] amounts)
    {
        await using var ledger = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Ledger));
        await using var connection = await ledger.OpenConnectionAsync(Token);
        await using var transaction = await connection.BeginTransactionAsync(Token);
        var ids = new Core.IdSource(TimeProvider.System);
        var (bank, payable) = (new AccountName(Account.Platform, AccountKind.Bank), new AccountName(merchant.ToString(), AccountKind.MerchantPayable));
        JournalLine[] lines = [.. amounts.Select(a => new JournalLine(LineKind.Settlement, LineAction.Post, bank, payable, new Core.Money(a.Amount, Core.Currency.Of(a.Currency))))];
        var journal = new JournalDraft(ids.New<Core.JournalId>(), 1000, 0, Core.Mode.Test, ids.New<Core.PaymentId>(), merchant, "surface.seeded", TimeProvider.System.GetUtcNow(), Decision: false, lines);
        Assert.Equal([PostingVerdict.Posted], await JournalWriter.PostAsync(connection, transaction, [journal], Token));
        await transaction.CommitAsync(Token);
    }

    /// <summary>Lines of a provider that nobody here knows, on a day long past, and the day of this surface's payment compared.</summary>
    private async Task DifferenceAsync()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("payments-surface-").FullName, "surface.csv");
        await File.WriteAllTextAsync(path, """
            automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id
            po_surface,2026-01-07 00:00:00,txn_surface,2026-01-05 12:00:00,usd,1.00,0.00,1.00,charge,ch_surface
            po_surface,2026-01-07 00:00:00,txn_surface2,2026-01-05 12:00:00,usd,2.00,0.00,2.00,charge,ch_surface2
            po_surface,2026-01-07 00:00:00,txn_surface3,2026-01-05 12:00:00,usd,3000.00,0.00,3000.00,charge,ch_surface3
            po_surface,2026-01-07 00:00:00,txn_surface4,2026-01-05 12:00:00,usd,4.000,0.00,4.000,charge,ch_surface4
            """, Token);
        var reconciliation = product.Host.ServicesOf(Names.Services.Reconciliation);
        var imported = await reconciliation.GetRequiredService<Payments.Reconciliation.Imports.Importer>().ImportAsync(path, Core.Mode.Test, null, null, Token);
        Ids["/ops/v1/reconciliation/imports/id"] = imported.Number.ToString(CultureInfo.InvariantCulture);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        await UntilAsync(async () => (await SendAsync("GET", "/ops/v1/reconciliation/payments/" + Ids["/ops/v1/payments/id"], product.Host.Secrets.OperatorKey)).Status == 200);
        await SendAsync("POST", "/ops/v1/reconciliation/match", product.Host.Secrets.OperatorKey, new { });
    }

    /// <summary>A break to look at, one to resolve, and one beyond the limit, for which another person has proposed something.</summary>
    private async Task SeedBreaksAsync()
    {
        var breaks = product.Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<Payments.Reconciliation.Breaks.BreakStore>();
        var all = await breaks.ListAsync(null, null, 1_000, Token);
        string IdOf(long difference) => all.First(b => b.Difference == difference && b.Day == new DateOnly(2026, 1, 5)).Id.ToString();
        Ids["/ops/v1/reconciliation/breaks/id"] = IdOf(-100);
        Ids["POST /ops/v1/reconciliation/breaks/{id}/resolve id"] = IdOf(-200);
        Ids["POST /ops/v1/reconciliation/breaks/{id}/approve id"] = IdOf(-300_000);
        Assert.True(Core.Id.TryParse<Core.ReconciliationBreakId>(IdOf(-300_000), out var proposed));
        await breaks.ResolveAsync(proposed, null, "Settled apart.", "somebody", Token);
    }

    private async Task<(string Incident, string Break)> StrayAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/payment_intents")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["amount"] = "1200",
                ["currency"] = "sek",
                ["payment_method"] = "pm_card_visa",
                ["payment_method_types[0]"] = "card",
                ["confirm"] = "true",
            }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", product.Host.Secrets.StripeApiKey);
        using var answer = await product.Simulators.SendAsync(request, Token);
        await ProductFixture.JsonAsync(answer, Token);
        var ops = product.Host.Secrets.OperatorKey;
        return (await FirstAsync("/ops/v1/incidents?kind=unattributed_charge", ops), await FirstAsync("/ops/v1/breaks", ops));
    }
}
