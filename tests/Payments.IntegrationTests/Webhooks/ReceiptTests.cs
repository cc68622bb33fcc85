using System.Globalization;
using Payments.Core;
using Payments.Core.Events;
using Payments.IntegrationTests.Events;
using Xunit;

namespace Payments.IntegrationTests.Webhooks;

public sealed class ReceiptTests(EmbeddedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_capture_a_refund_and_its_coming_back_are_each_told_once_in_text_and_html()
    {
        await using var sink = new SmtpSink();
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation, Smtp(sink));
        var capture = WithReceipt(EventSamples.Captured(EventSamples.Ids.New<PaymentId>()), "ann@example.com", "<b>Two books</b> & more");
        var refund = capture with
        {
            Id = EventSamples.Ids.New<EventId>(),
            Type = PaymentEventTypes.Refunded,
            Version = 3,
            Data = capture.Data with { Operation = capture.Data.Operation! with { Kind = OperationKind.Refund, AmountMinor = 1_250 }, Fees = null },
        };
        var returned = refund with
        {
            Id = EventSamples.Ids.New<EventId>(),
            Type = PaymentEventTypes.RefundFailed,
            Version = 4,
            Data = refund.Data with { Operation = refund.Data.Operation! with { State = OperationState.Reversed } },
        };
        await world.PublishAsync(Cancellation, capture, refund, returned);
        await WebhooksWorld.UntilAsync(() => Task.FromResult(sink.Mails.Count == 3), "three mails", Cancellation);

        var paid = sink.Mails.Single(m => m.Header("Message-ID") == $"<{capture.Id}.receipt@pay.example>");
        Assert.Equal(("receipts@pay.example", "ann@example.com"), (paid.From, paid.To));
        Assert.Equal("[TEST] Receipt: 50.00 USD", paid.Header("Subject"));
        Assert.StartsWith("multipart/alternative", paid.Header("Content-Type"), StringComparison.Ordinal);
        var text = paid.Decoded();
        Assert.Contains("Content-Type: text/plain; charset=utf-8", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Content-Type: text/html; charset=utf-8", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Description: <b>Two books</b> & more", text, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;Two books&lt;/b&gt; &amp; more", text, StringComparison.Ordinal);
        Assert.Contains("visa •••• 4242", text, StringComparison.Ordinal);
        Assert.Contains(capture.PaymentId.ToString(), text, StringComparison.Ordinal);

        var refunded = sink.Mails.Single(m => m.Header("Message-ID") == $"<{refund.Id}.receipt@pay.example>");
        Assert.Contains("12.50 USD were refunded to you.", refunded.Decoded(), StringComparison.Ordinal);

        var told = sink.Mails.Single(m => m.Header("Message-ID") == $"<{returned.Id}.receipt@pay.example>");
        Assert.Contains("you do not have it", told.Decoded().Replace("=\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);

        // Restarting, and with it consuming and claiming anew, sends nothing again.
        await world.StopAsync(Cancellation);
        await world.RunAsync(Cancellation, Smtp(sink));
        var later = WithReceipt(EventSamples.Captured(EventSamples.Ids.New<PaymentId>()), "bob@example.com", null);
        await world.PublishAsync(Cancellation, later);
        await WebhooksWorld.UntilAsync(() => Task.FromResult(sink.Mails.Any(m => m.To == "bob@example.com")), "the fourth mail", Cancellation);
        Assert.Equal(4, sink.Mails.Count);
    }

    [Fact]
    public async Task What_moved_no_money_or_has_no_address_is_not_receipted()
    {
        await using var sink = new SmtpSink();
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation, Smtp(sink));
        var payment = EventSamples.Ids.New<PaymentId>();
        var failed = EventSamples.Captured(EventSamples.Ids.New<PaymentId>());
        await world.PublishAsync(
            Cancellation,
            WithReceipt(EventSamples.Authorized(payment), "ann@example.com", null),
            EventSamples.Captured(payment),
            WithReceipt(failed with { Type = PaymentEventTypes.CaptureFailed, Data = failed.Data with { Operation = failed.Data.Operation! with { State = OperationState.Failed } } }, "ann@example.com", null),
            WithReceipt(EventSamples.Captured(EventSamples.Ids.New<PaymentId>()), "last@example.com", null));
        await WebhooksWorld.UntilAsync(() => Task.FromResult(!sink.Mails.IsEmpty), "a mail", Cancellation);
        Assert.Equal(1L, await world.Database.ScalarAsync<long>("SELECT count(*) FROM deliveries", Cancellation));
        Assert.Equal("last@example.com", Assert.Single(sink.Mails).To);
    }

    [Fact]
    public async Task A_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_the_address_is_not()
    {
        await using var sink = new SmtpSink();
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation, Smtp(sink));
        sink.AnswerToRecipient = to => to == "nobody@example.com" ? "550 no such mailbox" : "451 try later";
        await world.PublishAsync(
            Cancellation,
            WithReceipt(EventSamples.Captured(EventSamples.Ids.New<PaymentId>()), "ann@example.com", null),
            WithReceipt(EventSamples.Captured(EventSamples.Ids.New<PaymentId>()), "nobody@example.com", null));
        await WebhooksWorld.UntilAsync(async () => await world.Database.ScalarAsync<long>("SELECT count(*) FROM delivery_attempts", Cancellation) == 2, "both attempts", Cancellation);
        Assert.Equal("failed mail_refused 550, pending mail_server_failed 451", await world.Database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', d.status, a.error, a.status_code), ', ' ORDER BY d.status) FROM deliveries d JOIN delivery_attempts a USING (event_id, lane_id)", Cancellation));

        sink.AnswerToRecipient = _ => "250 ok";
        await world.SkipPausesAsync(Cancellation);
        await WebhooksWorld.UntilAsync(() => Task.FromResult(!sink.Mails.IsEmpty), "the mail", Cancellation);
        Assert.Equal("ann@example.com", Assert.Single(sink.Mails).To);
    }

    [Fact]
    public async Task Without_a_mail_server_receipts_wait_and_health_says_so()
    {
        await using var sink = new SmtpSink();
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await world.PublishAsync(Cancellation, WithReceipt(EventSamples.Captured(EventSamples.Ids.New<PaymentId>()), "ann@example.com", null));
        await WebhooksWorld.UntilAsync(async () => await world.Database.ScalarAsync<long>("SELECT count(*) FROM deliveries", Cancellation) == 1, "the receipt to be due", Cancellation);
        Assert.Contains("receipts wait", await world.Client.GetStringAsync(new Uri("/health", UriKind.Relative), Cancellation), StringComparison.Ordinal);

        await world.StopAsync(Cancellation);
        await world.RunAsync(Cancellation, Smtp(sink));
        await WebhooksWorld.UntilAsync(() => Task.FromResult(!sink.Mails.IsEmpty), "the mail", Cancellation);
    }

    private static Dictionary<string, string?> Smtp(SmtpSink sink) => new()
    {
        ["Payments:Smtp:Host"] = "127.0.0.1",
        ["Payments:Smtp:Port"] = sink.Port.ToString(CultureInfo.InvariantCulture),
        ["Payments:Smtp:From"] = "Payments <receipts@pay.example>",
        ["Payments:Smtp:StartTls"] = "false",
    };

    private static PaymentEvent WithReceipt(PaymentEvent source, string address, string? description) =>
        source with { Data = source.Data with { Payment = source.Data.Payment with { ReceiptEmail = address, Description = description } } };
}
