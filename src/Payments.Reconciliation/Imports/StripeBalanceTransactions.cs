using System.Text.Json;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>
/// What Stripe's API says of a payout (<c>GET /v1/balance_transactions?payout=…&amp;expand[]=data.source</c>), kept as a file with one object
/// a line after a first line that names the payout. Amounts are Stripe's minor units.
/// </summary>
public static class StripeBalanceTransactions
{
    public const string Format = "stripe_balance_transactions";
    private const string NoPayout = "the first line does not name the payout";

    // By type, for what has no category of its own; a category says it as the report does.
    private static readonly Dictionary<string, LineKind> Kinds = new(StringComparer.Ordinal)
    {
        ["charge"] = LineKind.Capture,
        ["payment"] = LineKind.Capture,
        ["payment_failure_refund"] = LineKind.CaptureReversal,
        ["refund"] = LineKind.Refund,
        ["payment_refund"] = LineKind.Refund,
        ["refund_failure"] = LineKind.RefundReversal,
        ["adjustment"] = LineKind.Adjustment,
        ["stripe_fee"] = LineKind.Fee,
        ["payout"] = LineKind.Payout,
    };

    public static bool Recognizes(string head)
    {
        ArgumentNullException.ThrowIfNull(head);
        return head.StartsWith("{\"payout\":", StringComparison.Ordinal);
    }

    public static string IdentityOf(StatementFile file) => Head(file).Payout;

    public static IEnumerable<LineRead> Read(StatementFile file)
    {
        var (payout, day) = Head(file);
        using var reader = file.Read();
        reader.ReadLine();
        for (var number = 2L; reader.ReadLine() is { } text; number++)
        {
            if (!string.IsNullOrWhiteSpace(text))
            {
                yield return One(number, text, payout, day);
            }
        }
    }

    private static (string Payout, DateOnly Day) Head(StatementFile file)
    {
        try
        {
            using var reader = file.Read();
            using var head = JsonDocument.Parse(reader.ReadLine() ?? "");
            return (
                head.RootElement.GetProperty("payout").GetString() is { Length: > 0 } payout ? payout : throw new RefusedFileException(1, NoPayout),
                DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeSeconds(head.RootElement.GetProperty("arrival_date").GetInt64()).UtcDateTime));
        }
        catch (Exception e) when (IsOfTheText(e))
        {
            throw new RefusedFileException(1, NoPayout);
        }
    }

    private static LineRead One(long number, string text, string payout, DateOnly day)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return LineRead.Of(Line(number, document.RootElement, payout, day));
        }
        catch (UnreadableException e)
        {
            return LineRead.Rejected(number, e.Column, e.Message);
        }
        catch (OverflowException)
        {
            return LineRead.Rejected(number, null, "amounts are too large");
        }
        catch (Exception e) when (IsOfTheText(e))
        {
            return LineRead.Rejected(number, null, "is no balance transaction");
        }
    }

    // Times beyond the calendar are an argument out of range.
    private static bool IsOfTheText(Exception e) => e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentOutOfRangeException;

    private static string TextOf(JsonElement of, string name) => of.GetProperty(name).GetString() is { Length: > 0 } text ? text : throw new UnreadableException(name, "is empty");

    private static StatementLine Line(long number, JsonElement transaction, string payout, DateOnly day)
    {
        var category = transaction.TryGetProperty("reporting_category", out var told) ? told.GetString() : null;
        var kind = StripePayoutReport.KindOf(category) ?? (Kinds.TryGetValue(TextOf(transaction, "type"), out var byType)
            ? byType
            : throw new UnreadableException("type", "is no type that is known"));

        var settled = AmountText.CurrencyOf(transaction.GetProperty("currency").GetString(), "currency");
        var (gross, fee, net) = (transaction.GetProperty("amount").GetInt64(), transaction.GetProperty("fee").GetInt64(), transaction.GetProperty("net").GetInt64());
        if (checked(gross - fee) != net)
        {
            throw new UnreadableException("net", "is not amount less fee");
        }

        var source = transaction.GetProperty("source");
        var expanded = source.ValueKind == JsonValueKind.Object;
        var intent = expanded && source.TryGetProperty("payment_intent", out var named) ? named.GetString() : null;
        var id = expanded ? TextOf(source, "id") : source.GetString() ?? TextOf(transaction, "id");
        var currency = settled;
        if (expanded && kind != LineKind.Fee && source.TryGetProperty("currency", out var shown) && shown.GetString() != transaction.GetProperty("currency").GetString())
        {
            currency = AmountText.CurrencyOf(shown.GetString(), "source.currency");
            gross = Math.Sign(gross) * source.GetProperty("amount").GetInt64();
        }

        if (kind == LineKind.Fee)
        {
            (gross, fee) = (0, checked(-net));
        }

        Invariant.Holds(AmountText.IsCountedAlike(Book.Stripe, settled.Code), "Stripe's minor units are those of ISO 4217 in every currency that is accepted");
        var reference = kind is LineKind.Capture or LineKind.CaptureReversal ? intent ?? id : id;
        return new(
            number, Leg.Provider, Book.Stripe, kind, reference, intent, currency.Code, gross, settled.Code, fee, net, payout, day,
            DateTimeOffset.FromUnixTimeSeconds(transaction.GetProperty("created").GetInt64()));
    }
}
