using System.Text.Json.Nodes;
using Payments.Core;

namespace Payments.IntegrationTests.BadInput;

/// <summary>Well-formed, and still not possible.</summary>
internal sealed record Meaning(Operation Operation, string Path, string Body, int Status, string Code, string Param);

internal sealed class Meanings
{
    private readonly Surface surface;
    private readonly List<Meaning> all = [];

    private Meanings(Surface surface) => this.surface = surface;

    public static IReadOnlyList<Meaning> Of(Surface surface)
    {
        var meanings = new Meanings(surface);
        meanings.NewPayments();
        meanings.PaymentTexts();
        meanings.Changes();
        meanings.WebhooksAndTokens();
        meanings.Circumstances();
        meanings.Operators();
        meanings.BankAccounts();
        meanings.ReviewsAndErasures();
        return meanings.all;
    }

    private void NewPayments()
    {
        Payment("""{"amount": 0}""", 400, "invalid_value", "amount");
        Payment("""{"amount": -1}""", 400, "invalid_value", "amount");
        foreach (var currency in Currency.All)
        {
            Payment($$"""{"amount": {{currency.LargestPayment + 1}}, "currency": "{{currency}}"}""", 400, "amount_too_large", "amount");
        }

        Payment("""{"currency": "XXX"}""", 400, "currency_not_supported", "currency");
        Payment("""{"currency": "usd"}""", 400, "currency_not_supported", "currency");
        Payment("""{"payment_method": {"token": "tok_00000000000000000000000001"}}""", 422, "token_not_found", "payment_method.token");
        foreach (var method in new[] { "apple_pay", "google_pay", "bank_transfer", "bnpl" })
        {
            Payment($$$"""{"payment_method": {"type": "{{{method}}}"}}""", 400, "payment_method_not_supported", "payment_method.type");
            Payment($$$"""{"payment_method": {"type": "{{{method}}}", "token": "{{{surface.Ids["/v1/tokens/id"]}}}"}}""", 400, "payment_method_not_supported", "payment_method.type");
        }

        BankDebits();
        Payment("""{"payment_method": {"type": "barter"}}""", 400, "invalid_value", "payment_method.type");
        Payment("""{"payment_method": {"type": "card"}}""", 400, "missing_field", "payment_method.token");
        Payment("""{"payment_method": {"token": null}}""", 400, "missing_field", "payment_method.token");
        Payment($$$"""{"payment_method": {"type": null, "token": "{{{surface.Ids["/v1/tokens/id"]}}}"}}""", 400, "null_field", "payment_method.type");
        Payment("""{"capture_method": null}""", 400, "null_field", "capture_method");
        Payment("""{"capture_method": "later"}""", 400, "invalid_value", "capture_method");
    }

    private void BankDebits()
    {
        var card = surface.Ids["/v1/tokens/id"];
        Payment("""{"payment_method": {"type": "ach"}}""", 400, "missing_field", "payment_method.token");
        Payment("""{"payment_method": {"type": "ach", "token": "tok_00000000000000000000000001"}, "three_d_secure": null}""", 422, "token_not_found", "payment_method.token");
        Payment($$$"""{"payment_method": {"type": "ach", "token": "{{{card}}}"}, "three_d_secure": null}""", 422, "payment_method_mismatch", "payment_method.type");
        Payment($$$"""{"payment_method": {"type": "card", "token": "{{{surface.BankToken}}}"}}""", 422, "payment_method_mismatch", "payment_method.type");
        Payment($$$"""{"payment_method": {"token": "{{{surface.BankToken}}}"}}""", 422, "payment_method_mismatch", "payment_method.type");
        Payment($$$"""{"payment_method": {"type": "ach", "token": "{{{surface.BankToken}}}"}, "currency": "EUR", "three_d_secure": null}""", 400, "currency_not_supported", "currency");
        Payment($$$"""{"payment_method": {"type": "ach", "token": "{{{surface.BankToken}}}"}, "capture_method": "manual", "three_d_secure": null}""", 400, "manual_capture_not_supported", "capture_method");
        Payment($$$"""{"payment_method": {"type": "ach", "token": "{{{surface.BankToken}}}"}, "three_d_secure": "challenge"}""", 400, "three_d_secure_not_supported", "three_d_secure");
    }

    /// <summary>What may stand instead of a card has no example of its own: every member of it is tried here.</summary>
    private void BankAccounts()
    {
        const string account = """{"routing_number": "110000000", "account_number": "000123456789", "account_type": "checking", "holder_name": "Ada Lovelace", "holder_type": "individual"}""";
        var mandate = $$"""{"accepted_at": "{{TimeProvider.System.GetUtcNow():O}}", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}""";
        const string card = """{"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}""";
        void Token(string body, string code, string param) => Add("POST /v1/tokens", body, 400, code, param);

        Token("{}", "missing_field", "card");
        Token("""{"card": null}""", "missing_field", "card");
        Token($$"""{"bank_account": {{account}}}""", "missing_field", "mandate");
        Token($$"""{"card": {{card}}, "bank_account": {{account}}, "mandate": {{mandate}}}""", "ambiguous_token", "bank_account");
        Token($$"""{"card": {{card}}, "mandate": {{mandate}}}""", "invalid_value", "mandate");
        foreach (var (holder, whole) in new[] { ("card", card), ("bank_account", account), ("mandate", mandate) })
        {
            foreach (var (member, value) in JsonNode.Parse(whole)!.AsObject())
            {
                Token(With(holder, member, JsonNode.Parse("[1]")), "wrong_type", $"{holder}.{member}");
                Token(With(holder, member, null), "null_field", $"{holder}.{member}");
                Token(With(holder, member, null, left: true), "missing_field", $"{holder}.{member}");
                Token(With(holder, "pin", value!.DeepClone()), "unknown_field", $"{holder}.pin");
            }
        }

        foreach (var (member, value, code) in new[]
        {
            ("routing_number", "110000001", "invalid_routing_number"), ("routing_number", "", "invalid_routing_number"), ("account_number", "123", "invalid_account_number"),
            ("account_number", "0001234567890123456", "invalid_account_number"), ("account_number", "12 34", "invalid_account_number"), ("account_type", "hidden", "invalid_value"),
            ("holder_type", "dog", "invalid_value"), ("holder_name", "", "invalid_holder_name"), ("holder_name", Text(101), "invalid_holder_name"), ("holder_name", "Ada 000123456789", "invalid_holder_name"),
        })
        {
            Token(With("bank_account", member, value), code, $"bank_account.{member}");
        }

        foreach (var (member, value) in new[] { ("accepted_at", "2020-01-01T00:00:00Z"), ("accepted_at", "2099-01-01T00:00:00Z"), ("accepted_at", "yesterday"), ("ip", "what"), ("user_agent", ""), ("user_agent", Text(501)) })
        {
            Token(With("mandate", member, value), "invalid_value", $"mandate.{member}");
        }

        string With(string holder, string member, JsonNode? value, bool left = false)
        {
            var body = JsonNode.Parse(holder == "card" ? $$"""{"card": {{card}}}""" : $$"""{"bank_account": {{account}}, "mandate": {{mandate}}}""")!;
            body[holder]![member] = value;
            if (left)
            {
                body[holder]!.AsObject().Remove(member);
            }

            return body.ToJsonString();
        }
    }

    private void PaymentTexts()
    {
        foreach (var (name, longest) in new[] { ("description", 500), ("order_id", 100) })
        {
            Payment($$"""{"{{name}}": ""}""", 400, "invalid_value", name);
            Payment($$"""{"{{name}}": "{{Text(longest + 1)}}"}""", 400, "invalid_value", name);
        }

        Payment($$$"""{"metadata": { {{{string.Join(", ", Enumerable.Range(0, 51).Select(i => $"\"k{i}\": \"v\""))}}} }}""", 400, "invalid_value", "metadata");
        Payment($$$"""{"metadata": {"{{{Text(41)}}}": "v"}}""", 400, "invalid_value", "metadata");
        Payment("""{"metadata": {"": "v"}}""", 400, "invalid_value", "metadata");
        Payment($$$"""{"metadata": {"k": "{{{Text(501)}}}"}}""", 400, "invalid_value", "metadata");
        Payment("""{"metadata": {"k": null}}""", 400, "null_field", "metadata.k");
        Payment("""{"metadata": {"k": 1}}""", 400, "wrong_type", "metadata.k");
        Payment("""{"return_url": "javascript:alert(1)"}""", 400, "invalid_value", "return_url");
        Payment("""{"receipt_email": "nobody"}""", 400, "invalid_value", "receipt_email");
        Payment("""{"statement_descriptor": "***"}""", 400, "invalid_value", "statement_descriptor");
        Payment($$"""{"return_url": "https://shop.example/{{Text(2048)}}"}""", 400, "invalid_value", "return_url");
        Payment($$"""{"receipt_email": "ada@{{Text(250)}}.example"}""", 400, "invalid_value", "receipt_email");
        Payment("""{"statement_descriptor": "M"}""", 400, "invalid_value", "statement_descriptor");
        Payment($$"""{"statement_descriptor": "{{Text(23)}}"}""", 400, "invalid_value", "statement_descriptor");
    }

    private void Circumstances()
    {
        Payment("""{"customer_reference": ""}""", 400, "invalid_value", "customer_reference");
        Payment($$"""{"customer_reference": "{{Text(101)}}"}""", 400, "invalid_value", "customer_reference");
        Payment("""{"three_d_secure": "never"}""", 400, "invalid_value", "three_d_secure");
        Payment("""{"initiated_by": null}""", 400, "null_field", "initiated_by");
        Payment("""{"initiated_by": "nobody"}""", 400, "invalid_value", "initiated_by");
        Payment("""{"initiated_by": "merchant", "three_d_secure": "challenge"}""", 400, "invalid_value", "three_d_secure");
        foreach (var (member, value) in new[]
        {
            ("ip", "\"203.0.113.256\""), ("ip", "\"203.0.113.07\""), ("user_agent", "\"\""), ("user_agent", $"\"{Text(501)}\""), ("device_id", $"\"{Text(201)}\""), ("email", "\"nobody\""),
            ("session_seconds", "-1"), ("session_seconds", "2592001"), ("account_created_at", "\"1969-01-01T00:00:00Z\""), ("account_created_at", "\"2999-01-01T00:00:00Z\""),
            ("account_created_at", "\"yesterday\""),
        })
        {
            Payment($$$"""{"risk_context": {"{{{member}}}": {{{value}}}}}""", 400, "invalid_value", $"risk_context.{member}");
            Add("POST /v1/tokens", $$$"""{"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}, "risk_context": {"{{{member}}}": {{{value}}}}}""", 400, "invalid_value", $"risk_context.{member}");
        }

        foreach (var address in new[] { "billing_address", "shipping_address" })
        {
            Payment($$$$"""{"risk_context": {"{{{{address}}}}": {"country": "de"}}}""", 400, "invalid_value", $"risk_context.{address}.country");
            Payment($$$$"""{"risk_context": {"{{{{address}}}}": {"line1": "{{{{Text(201)}}}}"}}}""", 400, "invalid_value", $"risk_context.{address}.line1");
            Payment($$$$"""{"risk_context": {"{{{{address}}}}": {"planet": "Earth"}}}""", 400, "unknown_field", $"risk_context.{address}.planet");
        }
    }

    private void ReviewsAndErasures()
    {
        Add("POST /v1/disputes/{id}/evidence", $$"""{"product_description": "{{Text(20_001)}}"}""", 400, "invalid_value", "product_description");
        Add("POST /v1/disputes/{id}/evidence", $$"""{"uncategorized_text": "{{Text(20_001)}}"}""", 400, "invalid_value", "uncategorized_text");
        Add("PUT /v1/disputes/{id}/files/{evidence_kind}", "{}", 415, "unsupported_evidence_type", "Content-Type");
        foreach (var act in new[] { "approve", "reject", "request_3ds" })
        {
            Add($$"""POST /ops/v1/reviews/{id}/{{act}}""", """{"reason": ""}""", 400, "invalid_value", "reason");
            Add($$"""POST /ops/v1/reviews/{id}/{{act}}""", $$"""{"reason": "{{Text(2001)}}"}""", 400, "invalid_value", "reason");
        }

        Add("POST /ops/v1/reviews/{id}/notes", """{"note": ""}""", 400, "invalid_value", "note");
        Add("POST /ops/v1/reconciliation/breaks/{id}/approve", "{}", 400, "missing_field", "version");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", """{"correction": "gift", "reason": "?", "version": 1}""", 400, "invalid_value", "correction");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", """{"correction": "merchant", "reason": "?"}""", 400, "missing_field", "version");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", "{}", 400, "missing_field", "reason");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", """{"reason": ""}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", $$"""{"reason": "{{Text(2001)}}"}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", """{"journal": "jrn_1"}""", 400, "invalid_value", "journal");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", """{"journal": "jrn_01k0x5w3n8e2v9y7t4r6q1m5za"}""", 409, "journal_unknown", "journal");
        Add("POST /ops/v1/reconciliation/breaks/{id}/resolve", """{"journal": "jrn_01k0x5w3n8e2v9y7t4r6q1m5za", "reason": "Both"}""", 400, "invalid_value", "reason");
        Add("POST /v1/erasures", "{}", 400, "missing_field", "customer_reference");
        Add("POST /v1/erasures", """{"email": "nobody"}""", 400, "invalid_value", "email");
        Add("POST /v1/erasures", $$"""{"customer_reference": "{{Text(101)}}"}""", 400, "invalid_value", "customer_reference");
        Add("POST /ops/v1/erasures", $$"""{"merchant_id": "{{surface.Owner.MerchantId}}", "mode": "test", "reason": "", "email": "ada@example.com"}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/erasures", """{"merchant_id": "mer_00000000000000000000000001", "mode": "test", "reason": "Asked", "email": "ada@example.com"}""", 422, "merchant_not_found", "merchant_id");
        Add("POST /ops/v1/erasures", $$"""{"merchant_id": "{{surface.Owner.MerchantId}}", "mode": "test", "reason": "Asked"}""", 400, "missing_field", "customer_reference");
    }

    private void Changes()
    {
        var (authorized, captured) = (surface.Ids["/v1/payments/id"], surface.Ids["/ops/v1/payments/id"]);
        Change(authorized, "capture", """{"amount": 0}""", 400, "invalid_value", "amount");
        Change(authorized, "capture", """{"amount": -5}""", 400, "invalid_value", "amount");
        Change(authorized, "capture", """{"amount": 5001}""", 422, "amount_exceeds_capturable", "amount");
        Change(authorized, "refunds", "{}", 409, "payment_not_refundable", "id");
        Change(captured, "capture", "{}", 409, "payment_not_capturable", "id");
        Change(captured, "void", "{}", 409, "payment_not_voidable", "id");
        Change(captured, "refunds", """{"amount": 0}""", 400, "invalid_value", "amount");
        Change(captured, "refunds", """{"amount": 4901}""", 422, "amount_exceeds_refundable", "amount");
        Change(captured, "refunds", """{"reason": ""}""", 400, "invalid_value", "reason");
        Change(captured, "refunds", $$"""{"reason": "{{Text(201)}}"}""", 400, "invalid_value", "reason");
    }

    private void WebhooksAndTokens()
    {
        Add("POST /v1/webhook_endpoints", """{"url": "ftp://shop.example/"}""", 400, "invalid_value", "url");
        Add("POST /v1/webhook_endpoints", """{"url": "https://10.0.0.1/"}""", 400, "invalid_value", "url");
        Add("POST /v1/webhook_endpoints", """{"url": "https://shop.example/", "event_types": ["payment.imagined"]}""", 400, "invalid_value", "event_types[0]");
        Add("PATCH /v1/webhook_endpoints/{id}", """{"status": "asleep"}""", 400, "invalid_value", "status");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424241", "exp_month": 12, "exp_year": 2034, "cvc": "123"}}""", 400, "invalid_card_number", "card.number");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424242", "exp_month": 13, "exp_year": 2034, "cvc": "123"}}""", 400, "invalid_expiry_month", "card.exp_month");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2020, "cvc": "123"}}""", 400, "card_expired", "card.exp_year");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "12"}}""", 400, "invalid_cvc", "card.cvc");
        Add("POST /v1/webhook_endpoints", $$"""{"url": "https://shop.example/{{Text(2048)}}"}""", 400, "invalid_value", "url");
        Add("POST /v1/webhook_endpoints", $$"""{"url": "https://shop.example/", "description": "{{Text(501)}}"}""", 400, "invalid_value", "description");
        Add("POST /v1/webhook_endpoints", """{"url": "https://shop.example/", "event_types": []}""", 400, "invalid_value", "event_types");
        Add("PATCH /v1/webhook_endpoints/{id}", """{"url": null}""", 400, "null_field", "url");
        Add("PATCH /v1/webhook_endpoints/{id}", """{"status": null}""", 400, "null_field", "status");
        Add("POST /v1/tokens", $$$"""{"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123", "name": "{{{Text(101)}}}"}}""", 400, "invalid_card_name", "card.name");
    }

    private void Payouts()
    {
        foreach (var (member, value) in new[]
        {
            ("iban", "\"DE88370400440532013000\""), ("iban", "\"DE89 3704 0044 0532 0130 00\""), ("bic", "\"COBA\""), ("name", "\"\""), ("name", $"\"{Text(71)}\""), ("minimum", "0"), ("minimum", "1000000000001"),
            ("standing", "\"fine\""), ("reason", "\"\""), ("reason", $"\"{Text(2001)}\""), ("merchant_id", "\"mer_1\""), ("mode", "\"both\""),
        })
        {
            var body = JsonNode.Parse($$"""{"merchant_id": "{{surface.Owner.MerchantId}}", "mode": "test", "standing": "cleared", "name": "Ada", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "reason": "?"}""")!;
            body[member] = JsonNode.Parse(value);
            Add("POST /ops/v1/ledger/payout_settings", body.ToJsonString(), 400, "invalid_value", member);
        }

        foreach (var (currency, least, param) in new[] { ("XXX", 1L, "minimums"), ("jpy", 1, "minimums"), ("JPY", 0, "minimums.JPY"), ("JPY", 1_000_000_000_001, "minimums.JPY") })
        {
            Add("POST /ops/v1/ledger/payout_settings", $$"""
                {"merchant_id": "{{surface.Owner.MerchantId}}", "mode": "test", "standing": "cleared", "minimums": { "{{currency}}": {{least}} },
                 "name": "Ada", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "reason": "?"}
                """, 400, "invalid_value", param);
        }

        Add("POST /ops/v1/ledger/payout_limits", """{"currency": "XXX", "above": 1, "reason": "?"}""", 400, "invalid_value", "currency");
        Add("POST /ops/v1/ledger/payout_limits", """{"currency": "EUR", "above": -1, "reason": "?"}""", 400, "invalid_value", "above");
        Add("POST /ops/v1/ledger/payout_limits", """{"currency": "EUR", "above": 1, "reason": ""}""", 400, "invalid_value", "reason");
        foreach (var (version, status, code) in new[] { (-1, 400, "invalid_value"), (7, 409, "settlement_terms_changed") })
        {
            Add("POST /ops/v1/ledger/settlement_terms", $$"""
                {"merchant_id": "{{surface.Stranger.MerchantId}}", "mode": "live", "expected_version": {{version}}, "schedule": "daily_t1", "time_zone": "UTC", "calendar": "target"}
                """, status, code, "expected_version");
        }

        const string exchange = """{"mode": "test", "sold": {"amount": 5, "currency": "USD"}, "bought": {"amount": 5, "currency": "EUR"}, "exchanged_at": "2020-01-01T00:00:00Z", "reference": "FX", "reason": "?"}""";
        Add("POST /ops/v1/ledger/exchanges", exchange.Replace("{\"amount\": 5, \"currency\": \"USD\"}", "{\"amount\": 0, \"currency\": \"USD\"}", StringComparison.Ordinal), 400, "invalid_value", "sold.amount");
        Add("POST /ops/v1/ledger/exchanges", exchange.Replace("EUR", "XXX", StringComparison.Ordinal), 400, "invalid_value", "bought.currency");
        Add("POST /ops/v1/ledger/exchanges", exchange.Replace("EUR", "USD", StringComparison.Ordinal), 400, "invalid_value", "bought.currency");
        Add("POST /ops/v1/ledger/exchanges", exchange.Replace("2020", "2090", StringComparison.Ordinal), 400, "invalid_value", "exchanged_at");
        Add("POST /ops/v1/ledger/exchanges", exchange.Replace("\"FX\"", "\"\"", StringComparison.Ordinal), 400, "invalid_value", "reference");
        Add("POST /ops/v1/ledger/exchanges", exchange.Replace("\"?\"", "\"\"", StringComparison.Ordinal), 400, "invalid_value", "reason");
        Add("POST /ops/v1/ledger/exchanges", exchange.Replace("2020", "1999", StringComparison.Ordinal), 400, "invalid_value", "exchanged_at");
        Add("POST /ops/v1/ledger/exchanges", exchange, 409, "rate_missing", "exchanged_at");
        Add("POST /ops/v1/ledger/exchanges/{id}/refuse", """{"reason": ""}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/ledger/revaluations", """{"mode": "live"}""", 409, "no_open_exchanges", "mode");
        Add("POST /ops/v1/ledger/payout_switch", """{"stopped": true, "reason": ""}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/ledger/payouts/{id}/approve", """{"account_version": 0}""", 400, "invalid_value", "account_version");
        Add("POST /ops/v1/ledger/payouts/{id}/approve", """{"account_version": 7}""", 409, "payout_account_changed", "account_version");
        Add("POST /ops/v1/ledger/payouts/{id}/report", """{"status": "sent", "reference": "", "reason": "", "at": "2026-02-03T09:00:00Z"}""", 400, "invalid_value", "status");
        Add("POST /ops/v1/ledger/payouts/{id}/report", """{"status": "paid", "reference": "", "reason": "", "at": "2999-02-03T09:00:00Z"}""", 400, "invalid_value", "at");
        Add("POST /ops/v1/ledger/payouts/{id}/report", $$"""{"status": "paid", "reference": "{{Text(201)}}", "reason": "", "at": "2026-02-03T09:00:00Z"}""", 400, "invalid_value", "reference");
        Add("POST /ops/v1/ledger/payouts/{id}/report", """{"status": "returned", "reference": "", "reason": "", "at": "2026-02-03T09:00:00Z"}""", 409, "payout_state_conflict", "id");
        Add("POST /ops/v1/ledger/payout_files", """{"mode": "test", "currency": "XXX"}""", 400, "invalid_value", "currency");
        Add("POST /ops/v1/ledger/payout_files", """{"mode": "test", "currency": "EUR", "execute_on": "2020-01-01"}""", 400, "invalid_value", "execute_on");
        Add("POST /ops/v1/ledger/payout_files", """{"mode": "test", "currency": "EUR", "execute_on": "soon"}""", 400, "invalid_value", "execute_on");
        Add("POST /ops/v1/ledger/payout_files", """{"mode": "live", "currency": "KWD"}""", 409, "no_payout_ready", "currency");
    }

    private void Operators()
    {
        Add("POST /ops/v1/merchants", """{"name": ""}""", 400, "invalid_value", "name");
        Add("POST /ops/v1/merchants", """{"name": "a", "settlement": {"currency": "JPY"}}""", 400, "invalid_value", "settlement.currency");
        Add("POST /ops/v1/merchants", """{"name": "a", "plan": {"credit": {"rate_per_million": 1000001, "fixed_us_cents": 0}}}""", 400, "invalid_value", "plan.credit.rate_per_million");
        Add("POST /ops/v1/merchants", """{"name": "a", "plan": {"ach": {"rate_per_million": 1000001, "most_us_cents": 0}}}""", 400, "invalid_value", "plan.ach.rate_per_million");
        Add("POST /ops/v1/merchants", """{"name": "a", "plan": {"ach": {"rate_per_million": 0, "most_us_cents": 100001}}}""", 400, "invalid_value", "plan.ach.most_us_cents");
        Add("POST /ops/v1/incidents/{id}/assign", """{"assignee": ""}""", 400, "invalid_value", "assignee");
        Add("POST /ops/v1/incidents/{id}/notes", """{"note": ""}""", 400, "invalid_value", "note");
        Add("POST /ops/v1/incidents/{id}/close", """{"reason": ""}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/ledger/findings/{id}/close", """{"reason": ""}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/ledger/findings/{id}/close", $$"""{"reason": "{{Text(2001)}}"}""", 400, "invalid_value", "reason");
        Payouts();
        Add("POST /ops/v1/breaks/{id}/assign", """{"owner": ""}""", 400, "invalid_value", "owner");
        Add("POST /ops/v1/breaks/{id}/attribute", """{"merchant_id": "mer_00000000000000000000000001", "reason": "Theirs"}""", 422, "merchant_not_found", "merchant_id");
        Add("POST /ops/v1/breaks/{id}/attribute", $$"""{"merchant_id": "{{surface.Owner.MerchantId}}", "reason": ""}""", 400, "invalid_value", "reason");
        Add("PATCH /ops/v1/merchants/{id}", """{"monthly_limits": {"live": -1}}""", 400, "invalid_value", "monthly_limits.live");
        Add("PATCH /ops/v1/merchants/{id}", """{"routing": {"preferred_provider": "paypal"}}""", 400, "invalid_value", "routing.preferred_provider");
        Add("PATCH /ops/v1/merchants/{id}", """{"name": null}""", 400, "null_field", "name");
        Add("POST /ops/v1/merchants/{id}/keys", """{"mode": "test", "class": "publishable", "scopes": ["read"]}""", 400, "invalid_value", "scopes");
        Add("POST /ops/v1/merchants/{id}/keys", """{"mode": "test", "class": "secret", "scopes": ["everything"]}""", 400, "invalid_value", "scopes");
        Add("POST /ops/v1/merchants/{id}/keys/{key_id}/roll", """{"overlap_seconds": 604801}""", 400, "invalid_value", "overlap_seconds");
        Add("POST /ops/v1/operator_keys", """{"name": " "}""", 400, "invalid_value", "name");
        Add("POST /ops/v1/operator_keys", """{"name": "Ada", "person": "Ada Lovelace"}""", 400, "invalid_value", "person");
        Add("POST /ops/v1/risk/lists", """{"mode": "test", "action": "block", "kind": "bin", "value": "4000"}""", 400, "invalid_value", "value");
        Add("POST /ops/v1/risk/lists", """{"mode": "test", "action": "block", "kind": "customer", "value": "ada"}""", 400, "missing_field", "merchant_id");
        Add("POST /ops/v1/risk/rules", """{"mode": "test", "name": "Loud", "condition": "amount > 1", "action": "review"}""", 400, "invalid_value", "name");
        foreach (var (kind, value) in new[] { ("fingerprint", "424242"), ("email", "ada"), ("email_domain", "@example.com"), ("ip", "10.0.0"), ("ip_range", "10.0.0.1/8"), ("country", "us"), ("country", "USA"), ("bin", "42424x") })
        {
            Add("POST /v1/risk/lists", $$"""{"action": "allow", "kind": "{{kind}}", "value": "{{value}}"}""", 400, "invalid_value", "value");
        }

        foreach (var condition in new[] { "", "amount", "amount >", "wealth > 1", "amount > 'x'", "card.attempts_5m > 255", "(amount > 1", new string('(', 17) + "amount > 1" + new string(')', 17), $"currency = '{Text(2000)}'" })
        {
            Add("POST /v1/risk/rules", $$"""{"name": "odd", "condition": "{{condition}}", "action": "review"}""", 400, "invalid_condition", "condition");
            Add("POST /v1/risk/rules/{id}/versions", $$"""{"condition": "{{condition}}", "action": "review"}""", 400, "invalid_condition", "condition");
        }

        Add("POST /v1/risk/rules", """{"name": "odd", "condition": "amount > 1", "action": "ignore"}""", 400, "invalid_value", "action");
        Add("POST /v1/risk/rules", """{"name": "odd", "condition": "amount > 1", "action": "review", "reason": "Too loud"}""", 400, "invalid_value", "reason");
        Add("POST /v1/risk/rules/{id}/dry_run", """{"days": 91}""", 400, "invalid_value", "days");
        Add("POST /v1/risk/rules/{id}/dry_run", """{"version": 9}""", 400, "invalid_value", "version");
        Add("POST /v1/risk/rules/{id}/activate", """{"version": 9}""", 400, "invalid_value", "version");
        Add("POST /ops/v1/merchants", $$"""{"name": "{{Text(101)}}"}""", 400, "invalid_value", "name");
        Add("POST /ops/v1/merchants", """{"name": "a", "capture_window_days": 32}""", 400, "invalid_value", "capture_window_days");
        Add("POST /ops/v1/merchants", """{"name": "a", "rate_limit": {"requests_per_second": 0}}""", 400, "invalid_value", "rate_limit.requests_per_second");
        Add("POST /ops/v1/merchants/{id}/keys", $$"""{"mode": "test", "class": "secret", "name": "{{Text(101)}}"}""", 400, "invalid_value", "name");
        Add("POST /ops/v1/merchants/{id}/keys", """{"mode": "both", "class": "secret"}""", 400, "invalid_value", "mode");
        Add("POST /ops/v1/incidents/{id}/assign", $$"""{"assignee": "{{Text(101)}}"}""", 400, "invalid_value", "assignee");
        Add("POST /ops/v1/incidents/{id}/notes", $$"""{"note": "{{Text(2001)}}"}""", 400, "invalid_value", "note");
        Add("POST /ops/v1/breaks/{id}/assign", $$"""{"owner": "{{Text(101)}}"}""", 400, "invalid_value", "owner");
        Add("POST /ops/v1/risk/models/{id}/promote", """{"to": "retired"}""", 400, "invalid_value", "to");
        Add("POST /ops/v1/risk/models/{id}/promote", """{"to": "emperor"}""", 400, "invalid_value", "to");
        Add("POST /ops/v1/risk/lists", """{"mode": "test", "action": "block", "kind": "person", "value": "400000"}""", 400, "invalid_value", "kind");
        Add("POST /ops/v1/risk/lists", $$"""{"mode": "test", "action": "block", "kind": "bin", "value": "400000", "reason": "{{Text(201)}}"}""", 400, "invalid_value", "reason");
    }

    private static string Text(int length) => new('x', length);

    private void Add(string operation, string body, int status, string code, string param)
    {
        var found = surface.Operations.Single(o => o.ToString() == operation);
        all.Add(new(found, surface.PathOf(found), body, status, code, param));
    }

    /// <summary>A payment that would be made, but for these members.</summary>
    private void Payment(string members, int status, string code, string param)
    {
        var body = JsonNode.Parse($$$"""{"amount": 5000, "currency": "USD", "payment_method": {"token": "{{{surface.Ids["/v1/tokens/id"]}}}"}}""")!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(members)!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        Add("POST /v1/payments", body.ToJsonString(), status, code, param);
    }

    private void Change(string payment, string verb, string body, int status, string code, string param)
    {
        var found = surface.Operations.Single(o => o.ToString() == "POST /v1/payments/{id}/" + verb);
        all.Add(new(found, surface.PathOf(found, "id", payment), body, status, code, param));
    }
}
