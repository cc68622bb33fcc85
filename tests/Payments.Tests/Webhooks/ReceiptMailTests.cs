using System.Net.Mail;
using Payments.Core;
using Payments.Webhooks.Receipts;
using Xunit;

namespace Payments.Tests.Webhooks;

public sealed class ReceiptMailTests
{
    private static readonly Receipt Paid = new(
        "evt_01jz0000000000000000000000", "ann@example.com", ReceiptKind.Paid, IsTest: false, new Money(1234, Currency.Of("USD")),
        new DateTimeOffset(2026, 3, 1, 12, 30, 0, TimeSpan.FromHours(1)), "pay_01jz0000000000000000000000", "visa •••• 4242", "SHOP EXAMPLE", "Two books", "A-17");

    [Fact]
    public void A_receipt_tells_amount_date_card_and_references()
    {
        Assert.Equal("Receipt: 12.34 USD from SHOP EXAMPLE", ReceiptMail.Subject(Paid));
        var text = ReceiptMail.Text(Paid);
        Assert.Contains("Your payment of 12.34 USD was received.", text, StringComparison.Ordinal);
        Assert.Contains("Date: 2026-03-01 11:30 UTC", text, StringComparison.Ordinal);
        Assert.Contains("Card: visa •••• 4242", text, StringComparison.Ordinal);
        Assert.Contains("Description: Two books", text, StringComparison.Ordinal);
        Assert.Contains("Order: A-17", text, StringComparison.Ordinal);
        Assert.Contains("Reference: pay_01jz0000000000000000000000", text, StringComparison.Ordinal);
        Assert.DoesNotContain("test", text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_refund_says_so()
    {
        var refund = Paid with { Kind = ReceiptKind.Refunded };
        Assert.StartsWith("Refund: 12.34 USD", ReceiptMail.Subject(refund), StringComparison.Ordinal);
        Assert.Contains("12.34 USD were refunded to you.", ReceiptMail.Text(refund), StringComparison.Ordinal);
    }

    [Fact]
    public void A_refund_that_came_back_is_not_left_standing_as_done()
    {
        var returned = Paid with { Kind = ReceiptKind.RefundCameBack };
        Assert.StartsWith("Your refund has not arrived: 12.34 USD", ReceiptMail.Subject(returned), StringComparison.Ordinal);
        Assert.Contains("you do not have it", ReceiptMail.Text(returned), StringComparison.Ordinal);
        Assert.Contains("Not refunded yet: 12.34 USD", ReceiptMail.Text(returned), StringComparison.Ordinal);
    }

    [Fact]
    public void Test_mode_is_plain_to_see()
    {
        var test = Paid with { IsTest = true };
        Assert.StartsWith("[TEST] ", ReceiptMail.Subject(test), StringComparison.Ordinal);
        Assert.Contains("no money was moved", ReceiptMail.Text(test), StringComparison.Ordinal);
        Assert.Contains("no money was moved", ReceiptMail.Page(test).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("JPY", 1234, "1234 JPY")]
    [InlineData("KWD", 1234, "1.234 KWD")]
    [InlineData("EUR", 5, "0.05 EUR")]
    public void Amounts_are_written_with_the_digits_of_their_currency(string currency, long minor, string written) =>
        Assert.Contains(written, ReceiptMail.Page(Paid with { Amount = new Money(minor, Currency.Of(currency)) }).Text, StringComparison.Ordinal);

    [Fact]
    public void What_a_merchant_writes_cannot_become_markup()
    {
        var page = ReceiptMail.Page(Paid with { Description = "<script>alert('x')</script>", OrderId = "\"><img src=x onerror=y>", Descriptor = "a&b<i>" }).Text;
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<i>", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
        Assert.Contains("a&amp;b", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_merchant_writes_cannot_become_a_header_or_a_line()
    {
        using var mail = ReceiptMail.Write(Paid with { Descriptor = "SHOP\r\nBcc: eve@example.com", Description = "books\r\nPaid: 0.00 USD" }, new MailAddress("receipts@pay.example"));
        Assert.Equal("Receipt: 12.34 USD from SHOP  Bcc: eve@example.com", mail.Subject);
        Assert.Empty(mail.Bcc);
        Assert.Single(mail.Body.Split("\r\n"), line => line.StartsWith("Paid: ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_message_id_follows_from_the_event()
    {
        using var mail = ReceiptMail.Write(Paid, new MailAddress("Shop <receipts@pay.example>"));
        Assert.Equal("<evt_01jz0000000000000000000000.receipt@pay.example>", mail.Headers["Message-ID"]);
    }
}
