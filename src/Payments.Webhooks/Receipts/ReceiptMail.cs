using System.Globalization;
using System.Net.Mail;
using System.Net.Mime;
using System.Text;
using Payments.Core;

namespace Payments.Webhooks.Receipts;

/// <summary>Writes a receipt as a mail with a text and an HTML part.</summary>
public static class ReceiptMail
{
    /// <exception cref="FormatException">One of the addresses is none.</exception>
    public static MailMessage Write(Receipt receipt, MailAddress from)
    {
        ArgumentNullException.ThrowIfNull(receipt);
        ArgumentNullException.ThrowIfNull(from);
        var mail = new MailMessage(from, new MailAddress(receipt.To))
        {
            Subject = Subject(receipt),
            SubjectEncoding = Encoding.UTF8,
            Body = Text(receipt),
            BodyEncoding = Encoding.UTF8,
            BodyTransferEncoding = TransferEncoding.QuotedPrintable,
        };
        var html = AlternateView.CreateAlternateViewFromString(Page(receipt).Text, Encoding.UTF8, MediaTypeNames.Text.Html);
        html.TransferEncoding = TransferEncoding.QuotedPrintable;
        mail.AlternateViews.Add(html);

        // The same in every attempt, so that a mail sent twice by a crash is recognised as one.
        mail.Headers.Add("Message-ID", $"<{receipt.EventId}.receipt@{from.Host}>");
        mail.Headers.Add("Auto-Submitted", "auto-generated");
        return mail;
    }

    public static string Subject(Receipt receipt)
    {
        ArgumentNullException.ThrowIfNull(receipt);
        var from = OneLine(receipt.Descriptor) is { } name ? $" from {name}" : "";
        return $"{(receipt.IsTest ? "[TEST] " : "")}{Wording[receipt.Kind].Subject}: {receipt.Amount}{from}";
    }

    public static string Text(Receipt receipt)
    {
        ArgumentNullException.ThrowIfNull(receipt);
        var text = new StringBuilder();
        text.Append(Wording[receipt.Kind].Sentence(receipt.Amount)).Append("\r\n\r\n");
        foreach (var (name, value) in Lines(receipt))
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        return text.Append(receipt.IsTest ? "\r\n" + TestNotice + "\r\n" : "").ToString();
    }

    public static Html Page(Receipt receipt)
    {
        ArgumentNullException.ThrowIfNull(receipt);
        var rows = Html.Join(Lines(receipt).Select(line => Html.Of(
            $"""<tr><td style="padding:4px 16px 4px 0;color:#667">{line.Name}</td><td style="padding:4px 0">{line.Value}</td></tr>""")));
        var notice = receipt.IsTest ? Html.Of($"""<p style="color:#a50">{TestNotice}</p>""") : default;
        return Html.Of($"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>{Subject(receipt)}</title></head>
            <body style="font-family:system-ui,sans-serif;color:#223;max-width:36em;margin:2em auto;padding:0 1em">
            <p>{Wording[receipt.Kind].Sentence(receipt.Amount)}</p>
            <p style="font-size:2em;margin:0.5em 0">{receipt.Amount.ToString()}</p>
            <table style="border-collapse:collapse">{rows}</table>
            {notice}
            </body>
            </html>
            """);
    }

    private const string TestNotice = "This is a test: no money was moved.";

    private static readonly Dictionary<ReceiptKind, (string Subject, string Line, Func<Money, string> Sentence)> Wording = new()
    {
        [ReceiptKind.Paid] = ("Receipt", "Paid", amount => $"Thank you. Your payment of {amount} was received."),
        [ReceiptKind.Refunded] = ("Refund", "Refunded", amount => $"{amount} were refunded to you."),
        [ReceiptKind.RefundCameBack] = (
            "Your refund has not arrived", "Not refunded yet",
            amount => $"A refund of {amount} that we told you of came back from your bank: you do not have it. You hear from us again when it is with you; otherwise please turn to the shop."),
    };

    private static IEnumerable<(string Name, string Value)> Lines(Receipt receipt)
    {
        yield return (Wording[receipt.Kind].Line, receipt.Amount.ToString());
        yield return ("Date", receipt.At.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        foreach (var (name, value) in new[]
        {
            ("Card", receipt.Card), ("Description", receipt.Description), ("Order", receipt.OrderId), ("On your statement", receipt.Descriptor), ("Reference", receipt.PaymentId),
        })
        {
            if (OneLine(value) is { } line)
            {
                yield return (name, line);
            }
        }
    }

    /// <summary>Merchants' texts may contain anything; a line break would forge lines, or headers.</summary>
    private static string? OneLine(string? text) =>
        string.IsNullOrWhiteSpace(text) ? null : string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c)).Trim();
}
