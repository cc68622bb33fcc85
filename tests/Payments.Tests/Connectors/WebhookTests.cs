using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Payments.Connectors;
using Payments.Connectors.Adyen;
using Payments.Core;
using Xunit;

namespace Payments.Tests.Connectors;

public sealed class WebhookTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9");
    private static readonly AttemptId Attempt = Bench.Ids.New<AttemptId>();
    private static readonly PaymentId Payment = Bench.Ids.New<PaymentId>();

    private readonly FakeTime time = new();
    private readonly IConnector stripe;
    private readonly IConnector adyen;

    public WebhookTests()
    {
        stripe = Bench.Connector(Nowhere, Provider.Stripe, time);
        adyen = Bench.Connector(Nowhere, Provider.Adyen, time);
    }

    [Fact]
    public void Adyens_published_vector_gives_its_signature() => Assert.Equal(
        "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=",
        AdyenWebhook.Sign(Bench.AdyenHmacKey, "7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true"));

    [Fact]
    public void Adyens_published_vector_is_accepted_and_any_signed_field_changed_is_not()
    {
        const string good = """
            {"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},"amount":{"value":1130,"currency":"EUR"},"pspReference":"7914073381342284","eventCode":"AUTHORISATION","merchantAccountCode":"TestMerchant","merchantReference":"TestPayment-1407325143704","success":"true","eventDate":"2019-05-06T17:15:34.121+02:00"}}]}
            """;
        var fact = Assert.Single(Read(adyen, good)!.Facts);
        Assert.Equal((ProviderFactKind.AuthorizationApproved, "7914073381342284", new Money(1130, Currency.Of("EUR")), null), (fact.Kind, fact.PaymentReference, fact.Amount!.Value, fact.AttemptId));
        Assert.Equal(new DateTimeOffset(2019, 5, 6, 15, 15, 34, 121, TimeSpan.Zero), fact.OccurredAt);

        foreach (var (from, to) in new[]
        {
            ("1130", "1131"), ("EUR", "USD"), ("7914073381342284", "7914073381342285"), ("\"AUTHORISATION\"", "\"CAPTURE\""), ("TestMerchant", "OtherMerchant"),
            ("1407325143704", "1407325143705"), ("\"true\"", "\"false\""), ("coqCmt", "aoqCmt"), ("hmacSignature", "signature"), ("\"live\":\"false\"", "\"live\":\"true\""),
        })
        {
            Assert.Null(Read(adyen, good.Replace(from, to, StringComparison.Ordinal)));
        }
    }

    // status at Stripe, what moved there → ours
    [Theory]
    [InlineData("charge.dispute.created", "needs_response", "", DisputeStatus.NeedsResponse, "")]
    [InlineData("charge.dispute.created", "warning_needs_response", "", DisputeStatus.Warning, "")]
    [InlineData("charge.dispute.funds_withdrawn", "needs_response", """{"amount":-1000,"fee":1500,"currency":"usd"}""", DisputeStatus.NeedsResponse, "1:1000:1500")]
    [InlineData("charge.dispute.funds_withdrawn", "needs_response", "", DisputeStatus.NeedsResponse, "1:1000:")]
    [InlineData("charge.dispute.updated", "under_review", """{"amount":-900,"fee":1200,"currency":"eur"}""", DisputeStatus.UnderReview, "1:1000:")]
    [InlineData("charge.dispute.closed", "lost", """{"amount":-1000,"fee":1500,"currency":"usd"}""", DisputeStatus.Lost, "1:1000:1500")]
    [InlineData("charge.dispute.funds_reinstated", "won", """{"amount":-1000,"fee":1500,"currency":"usd"},{"amount":1000,"fee":-1500,"currency":"usd"}""", DisputeStatus.Won, "1:1000:1500 2:1000:1500")]
    [InlineData("charge.dispute.closed", "warning_closed", "", DisputeStatus.Withdrawn, "")]
    public void Stripes_disputes_tell_status_and_all_that_moved(string type, string status, string moved, DisputeStatus expected, string movements)
    {
        var body = $$$$"""{"id":"evt_1","type":"{{{{type}}}}","created":1700000000,"livemode":false,"data":{"object":{"id":"du_1","object":"dispute","amount":1000,"currency":"usd","charge":"ch_1","payment_intent":"pi_1","reason":"fraudulent","status":"{{{{status}}}}","evidence_details":{"due_by":1700600000},"balance_transactions":[{{{{moved}}}}]}}}""";
        var fact = Assert.Single(Read(stripe, body)!.Facts);
        Assert.Equal((ProviderFactKind.Dispute, "pi_1", "du_1"), (fact.Kind, fact.PaymentReference, fact.ModificationReference));
        Assert.Equal((expected, DisputeReason.Fraudulent, 1000L, "USD"), (fact.Dispute!.Status, fact.Dispute.Reason, fact.Dispute.AmountMinor, fact.Dispute.Currency));
        Assert.Equal(movements, string.Join(' ', fact.Dispute.Movements.Select(m => $"{m.Number}:{m.AmountMinor}:{m.FeeMinor}")));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1700600000), fact.Dispute.EvidenceDueBy);
    }

    // eventCode and disputeStatus at Adyen → status and movement of ours
    [Theory]
    [InlineData("REQUEST_FOR_INFORMATION", "Unresponded", DisputeStatus.Warning, null)]
    [InlineData("NOTIFICATION_OF_CHARGEBACK", "Undefended", DisputeStatus.NeedsResponse, null)]
    [InlineData("CHARGEBACK", "Undefended", DisputeStatus.NeedsResponse, 1)]
    [InlineData("CHARGEBACK", null, null, 1)]
    [InlineData("INFORMATION_SUPPLIED", "Pending", DisputeStatus.UnderReview, null)]
    [InlineData("CHARGEBACK_REVERSED", "Pending", DisputeStatus.UnderReview, 2)]
    [InlineData("CHARGEBACK_REVERSED", "Won", DisputeStatus.Won, 2)]
    [InlineData("SECOND_CHARGEBACK", "Lost", DisputeStatus.Lost, 3)]
    [InlineData("SECOND_CHARGEBACK", null, DisputeStatus.Lost, 3)]
    [InlineData("PREARBITRATION_WON", null, DisputeStatus.Won, null)]
    [InlineData("PREARBITRATION_LOST", null, DisputeStatus.Lost, null)]
    [InlineData("ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "Won", DisputeStatus.Won, null)]
    [InlineData("DISPUTE_DEFENSE_PERIOD_ENDED", "Expired", DisputeStatus.Expired, null)]
    [InlineData("DISPUTE_DEFENSE_PERIOD_ENDED", "Accepted", DisputeStatus.Accepted, null)]
    public void Adyens_dispute_events_tell_status_and_movement(string code, string? status, DisputeStatus? expected, int? movement)
    {
        var item = Item("D1", "A1", code, true);
        item = item.Replace("\"hmacSignature\"", $"\"chargebackReasonCode\":\"10.4\",{(status is null ? "" : $"\"disputeStatus\":\"{status}\",")}\"defensePeriodEndsAt\":\"2026-02-01T10:00:00+01:00\",\"hmacSignature\"", StringComparison.Ordinal);
        var fact = Assert.Single(Read(adyen, Notice(item))!.Facts);
        Assert.Equal((ProviderFactKind.Dispute, "A1", "D1"), (fact.Kind, fact.PaymentReference, fact.ModificationReference));
        Assert.Equal((expected, movement, DisputeReason.Fraudulent), (fact.Dispute!.Status, fact.Dispute.Movements is [var first, ..] ? first.Number : (int?)null, fact.Dispute.Reason));
        Assert.Equal(new DateTimeOffset(2026, 2, 1, 9, 0, 0, TimeSpan.Zero), fact.Dispute.EvidenceDueBy);
    }

    [Fact]
    public void One_wrong_item_condemns_the_whole_notice()
    {
        var good = Item("A1", null, "AUTHORISATION", true);
        Assert.Equal(2, Read(adyen, Notice(good, Item("A2", "A1", "CAPTURE", true)))!.Facts.Count);
        Assert.Null(Read(adyen, Notice(good, Item("A2", "A1", "CAPTURE", true).Replace("hmacSignature\":\"", "hmacSignature\":\"x", StringComparison.Ordinal))));
        Assert.Null(Read(adyen, """{"live":"false","notificationItems":[]}"""));
        Assert.Null(Read(adyen, "{}"));
        Assert.Null(Read(adyen, "not json"));
    }

    // event, success, fact, decline
    [Theory]
    [InlineData("AUTHORISATION", true, ProviderFactKind.AuthorizationApproved)]
    [InlineData("AUTHORISATION", false, ProviderFactKind.AuthorizationDeclined, "card_declined")]
    [InlineData("CAPTURE", true, ProviderFactKind.CaptureSucceeded)]
    [InlineData("CAPTURE", false, ProviderFactKind.CaptureFailed)]
    [InlineData("CAPTURE_FAILED", true, ProviderFactKind.CaptureFailed)]
    [InlineData("CANCELLATION", true, ProviderFactKind.VoidSucceeded)]
    [InlineData("CANCELLATION", false, ProviderFactKind.VoidFailed)]
    [InlineData("TECHNICAL_CANCEL", true, ProviderFactKind.VoidSucceeded)]
    [InlineData("TECHNICAL_CANCEL", false, ProviderFactKind.VoidFailed, "payment_not_cancellable")]
    [InlineData("OFFER_CLOSED", true, ProviderFactKind.AuthorizationDeclined, "authentication_failed")]
    [InlineData("OFFER_CLOSED", false, ProviderFactKind.Other)]
    [InlineData("EXPIRE", true, ProviderFactKind.AuthorizationCancelled)]
    [InlineData("REFUND", true, ProviderFactKind.RefundSucceeded)]
    [InlineData("REFUND", false, ProviderFactKind.RefundFailed, "refund_rejected")]
    [InlineData("REFUND_FAILED", true, ProviderFactKind.RefundFailed, "refund_failed")]
    [InlineData("REFUNDED_REVERSED", true, ProviderFactKind.RefundFailed, "refund_rejected")]
    [InlineData("NOTIFICATION_OF_FRAUD", true, ProviderFactKind.FraudWarning)]
    [InlineData("CHARGEBACK", true, ProviderFactKind.Dispute)]
    [InlineData("REPORT_AVAILABLE", true, ProviderFactKind.ReportAvailable)]
    [InlineData("REPORT_AVAILABLE", false, ProviderFactKind.Other)]
    public void Every_event_of_Adyen_is_its_fact(string code, bool success, ProviderFactKind kind, string? decline = null)
    {
        var original = code is "AUTHORISATION" or "OFFER_CLOSED" ? null : "A0";
        var fact = Assert.Single(Read(adyen, Notice(Item("A1", original, code, success)))!.Facts);
        Assert.Equal((kind, original ?? "A1", original is null ? null : "A1", (AttemptId?)Attempt), (fact.Kind, fact.PaymentReference, fact.ModificationReference, fact.AttemptId));
        Assert.Equal($"A1:{code}:{(success ? "true" : "false")}", fact.NoticeId);
        Assert.Equal(decline, fact.Decline?.Code);
    }

    [Fact]
    public void A_cancellation_by_our_reference_that_names_no_payment_has_found_none()
    {
        var fact = Assert.Single(Read(adyen, Notice(Item("A1", null, "TECHNICAL_CANCEL", false)))!.Facts);
        Assert.Equal((ProviderFactKind.VoidFailed, "payment_not_found", (AttemptId?)Attempt), (fact.Kind, fact.Decline?.Code, fact.AttemptId));
    }

    [Fact]
    public void A_warning_of_Stripes_names_the_payment_that_it_is_about()
    {
        const string warning = """
            {"id":"evt_1","object":"event","type":"TYPE","livemode":false,"created":1772366400,"data":{"object":{"id":"issfr_1","object":"radar.early_fraud_warning","charge":"ch_1","payment_intent":"pi_1","fraud_type":"unauthorized_use_of_card"}}}
            """;
        var fact = Assert.Single(Read(stripe, warning.Replace("TYPE", "radar.early_fraud_warning.created", StringComparison.Ordinal))!.Facts);
        Assert.Equal((ProviderFactKind.FraudWarning, "pi_1"), (fact.Kind, fact.PaymentReference));
        Assert.Equal(ProviderFactKind.Other, Assert.Single(Read(stripe, warning.Replace("TYPE", "radar.early_fraud_warning.updated", StringComparison.Ordinal))!.Facts).Kind);
    }

    [Fact]
    public void Adyens_notice_of_an_authorization_tells_how_the_customer_was_authenticated()
    {
        var told = Item("A1", null, "AUTHORISATION", true).Replace("\"additionalData\":{", "\"additionalData\":{\"threeDOffered\":\"true\",\"threeDAuthenticated\":\"true\",\"liabilityShift\":\"true\",\"eci\":\"05\",", StringComparison.Ordinal);
        Assert.Contains("threeDOffered", told, StringComparison.Ordinal);
        Assert.Equal(new AuthenticationOutcome(AuthenticationResult.Authenticated, null, "05", null, true), Assert.Single(Read(adyen, Notice(told))!.Facts).Authentication);
        Assert.Null(Assert.Single(Read(adyen, Notice(Item("A1", null, "AUTHORISATION", true)))!.Facts).Authentication);
        Assert.Null(Assert.Single(Read(adyen, Notice(Item("A2", "A1", "CAPTURE", true)))!.Facts).Authentication);
    }

    [Fact]
    public void Stripes_signature_holds_for_five_minutes_and_for_this_body_only()
    {
        var body = Intent("payment_intent.succeeded", "succeeded", "automatic");
        var headers = Signed(body);
        Assert.NotNull(stripe.ReadWebhook(headers, Bytes(body)));
        Assert.NotNull(stripe.ReadWebhook(new Dictionary<string, string> { ["stripe-signature"] = headers["Stripe-Signature"] }, Bytes(body)));

        Assert.Null(stripe.ReadWebhook(headers, Bytes(body + " ")));
        Assert.Null(stripe.ReadWebhook(new Dictionary<string, string>(), Bytes(body)));
        Assert.Null(stripe.ReadWebhook(Signed(body, "whsec_of_another"), Bytes(body)));
        foreach (var header in new[] { "", "t=,v1=", "t=1,v1=zz", "v1=" + new string('0', 64), headers["Stripe-Signature"].Replace("v1=", "v0=", StringComparison.Ordinal) })
        {
            Assert.Null(stripe.ReadWebhook(new Dictionary<string, string> { ["Stripe-Signature"] = header }, Bytes(body)));
        }

        time.Pass(TimeSpan.FromSeconds(300));
        Assert.NotNull(stripe.ReadWebhook(headers, Bytes(body)));
        time.Pass(TimeSpan.FromSeconds(1));
        Assert.Null(stripe.ReadWebhook(headers, Bytes(body)));
        time.Pass(TimeSpan.FromSeconds(-602));
        Assert.Null(stripe.ReadWebhook(headers, Bytes(body)));
    }

    [Fact]
    public void While_a_secret_is_rolled_either_signature_will_do()
    {
        var body = Intent("payment_intent.succeeded", "succeeded", "automatic");
        var header = $"{Signed(body, "whsec_old")["Stripe-Signature"]},{Signed(body)["Stripe-Signature"].Split(',')[1]}";
        Assert.NotNull(stripe.ReadWebhook(new Dictionary<string, string> { ["Stripe-Signature"] = header }, Bytes(body)));
    }

    // type, status, capture method, amount received, fact, captured
    [Theory]
    [InlineData("payment_intent.succeeded", "succeeded", "automatic", 5_000, ProviderFactKind.AuthorizationApproved, true)]
    [InlineData("payment_intent.amount_capturable_updated", "requires_capture", "manual", 0, ProviderFactKind.AuthorizationApproved, false)]
    [InlineData("payment_intent.payment_failed", "requires_payment_method", "manual", 0, ProviderFactKind.AuthorizationDeclined, false)]
    [InlineData("payment_intent.requires_action", "requires_action", "manual", 0, ProviderFactKind.AuthorizationNeedsAction, false)]
    [InlineData("payment_intent.processing", "processing", "manual", 0, ProviderFactKind.Other, false)]
    public void Every_event_of_an_intent_is_its_fact(string type, string status, string capture, long received, ProviderFactKind kind, bool captured)
    {
        var fact = Assert.Single(Read(stripe, Intent(type, status, capture, received))!.Facts);
        Assert.Equal((kind, "pi_1", captured, (AttemptId?)Attempt, (PaymentId?)Payment, "evt_1"), (fact.Kind, fact.PaymentReference, fact.Captured, fact.AttemptId, fact.PaymentId, fact.NoticeId));
        Assert.Equal(new Money(5_000, Currency.Of("USD")), fact.Amount);
    }

    [Fact]
    public void A_cancelled_intent_is_no_fact_of_the_authorizing_attempt()
    {
        var fact = Assert.Single(Read(stripe, Intent("payment_intent.canceled", "canceled", "manual"))!.Facts);
        Assert.Equal((ProviderFactKind.AuthorizationCancelled, null), (fact.Kind, fact.AttemptId));
    }

    [Fact]
    public void Captures_are_told_by_the_attempts_that_made_them()
    {
        var (first, second) = (Bench.Ids.New<AttemptId>(), Bench.Ids.New<AttemptId>());
        var facts = Read(stripe, Intent("payment_intent.succeeded", "succeeded", "manual", 5_000, $"\"capture_{first}\":\"2000\",\"capture_{second}\":\"3000\","))!.Facts;
        Assert.Equal(
            [(ProviderFactKind.CaptureSucceeded, (AttemptId?)first, 2_000L, $"evt_1:{first}"), (ProviderFactKind.CaptureSucceeded, (AttemptId?)second, 3_000L, $"evt_1:{second}")],
            facts.Select(f => (f.Kind, f.AttemptId, f.Amount!.Value.Minor, f.NoticeId)));

        var elsewhere = Assert.Single(Read(stripe, Intent("payment_intent.succeeded", "succeeded", "manual", 4_000))!.Facts);
        Assert.Equal((ProviderFactKind.CaptureSucceeded, null, 4_000L), (elsewhere.Kind, elsewhere.AttemptId, elsewhere.Amount!.Value.Minor));

        var partial = Assert.Single(Read(stripe, Intent("payment_intent.amount_capturable_updated", "requires_capture", "manual", 2_000, $"\"capture_{first}\":\"2000\","))!.Facts);
        Assert.Equal((ProviderFactKind.CaptureSucceeded, (AttemptId?)first), (partial.Kind, partial.AttemptId));
    }

    // type, status of the refund, fact
    [Theory]
    [InlineData("refund.created", "pending", ProviderFactKind.Other)]
    [InlineData("refund.created", "succeeded", ProviderFactKind.RefundSucceeded)]
    [InlineData("refund.updated", "succeeded", ProviderFactKind.RefundSucceeded)]
    [InlineData("refund.updated", "failed", ProviderFactKind.RefundFailed)]
    [InlineData("refund.failed", "failed", ProviderFactKind.RefundFailed)]
    [InlineData("charge.refund.updated", "canceled", ProviderFactKind.RefundFailed)]
    public void Every_event_of_a_refund_is_its_fact(string type, string status, ProviderFactKind kind)
    {
        var body = $$$"""{"id":"evt_1","type":"{{{type}}}","created":1772366400,"livemode":false,"data":{"object":{"id":"re_1","object":"refund","amount":700,"currency":"usd","payment_intent":"pi_1","status":"{{{status}}}","failure_reason":"lost_or_stolen_card","metadata":{"attempt_id":"{{{Attempt}}}","payment_id":"{{{Payment}}}"} } } }""";
        var fact = Assert.Single(Read(stripe, body)!.Facts);
        Assert.Equal((kind, "pi_1", "re_1", (AttemptId?)Attempt, 700L), (fact.Kind, fact.PaymentReference, fact.ModificationReference, fact.AttemptId, fact.Amount!.Value.Minor));
        Assert.Equal(kind == ProviderFactKind.RefundFailed ? "refund_rejected" : null, fact.Decline?.Code);
    }

    [Fact]
    public void An_event_of_live_mode_is_not_taken_in_test_mode_and_another_object_has_no_consequence()
    {
        Assert.Null(Read(stripe, Intent("payment_intent.succeeded", "succeeded", "automatic").Replace("\"livemode\":false", "\"livemode\":true", StringComparison.Ordinal)));
        Assert.Null(Read(stripe, "not json"));
        Assert.Null(Read(stripe, """{"id":"evt_1"}"""));
        var fact = Assert.Single(Read(stripe, """{"id":"evt_1","type":"charge.succeeded","created":1,"livemode":false,"data":{"object":{"id":"ch_1","object":"charge","payment_intent":"pi_1"}}}""")!.Facts);
        Assert.Equal((ProviderFactKind.Other, "pi_1"), (fact.Kind, fact.PaymentReference));
    }

    private static string Intent(string type, string status, string capture, long received = 0, string metadata = "") => $$$"""
        {"id":"evt_1","type":"{{{type}}}","created":1772366400,"livemode":false,"data":{"object":{"id":"pi_1","object":"payment_intent","amount":5000,"amount_received":{{{received}}},"currency":"usd","status":"{{{status}}}","capture_method":"{{{capture}}}","metadata":{{{{metadata}}}"attempt_id":"{{{Attempt}}}","payment_id":"{{{Payment}}}"} } } }
        """;

    private ProviderNotice? Read(IConnector connector, string body) =>
        connector.ReadWebhook(connector.Provider == Provider.Stripe ? Signed(body) : new Dictionary<string, string>(), Bytes(body));

    private Dictionary<string, string> Signed(string body, string secret = Bench.StripeWebhookSecret)
    {
        var t = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return new() { ["Stripe-Signature"] = $"t={t},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Bytes($"{t}.{body}")))}" };
    }

    private static string Item(string psp, string? original, string code, bool success)
    {
        var succeeded = success ? "true" : "false";
        var signature = AdyenWebhook.Sign(Bench.AdyenHmacKey, $"{psp}:{original}:TestMerchant:{Attempt}:700:USD:{code}:{succeeded}");
        return $$$"""{"NotificationRequestItem":{"additionalData":{"hmacSignature":"{{{signature}}}"},"amount":{"currency":"USD","value":700},"eventCode":"{{{code}}}","eventDate":"2026-03-01T12:00:00+01:00","merchantAccountCode":"TestMerchant","merchantReference":"{{{Attempt}}}",{{{(original is null ? "" : $"\"originalReference\":\"{original}\",")}}}"pspReference":"{{{psp}}}","reason":"Refused","success":"{{{succeeded}}}"}}""";
    }

    private static string Notice(params string[] items) => $$"""{"live":"false","notificationItems":[{{string.Join(',', items)}}]}""";

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
