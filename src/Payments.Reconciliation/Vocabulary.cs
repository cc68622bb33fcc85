using System.Security.Cryptography;
using System.Text;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Reconciliation;

/// <summary>What is compared: events with the provider's report, or the provider's payouts with the bank's statement. What is a difference of our own books has breaks, and no days.</summary>
public enum Leg
{
    Provider,
    Bank,
    Books,
}

/// <summary>What an item or line is of.</summary>
public enum LineKind
{
    Capture,
    CaptureReversal,
    Refund,
    RefundReversal,
    Chargeback,
    ChargebackReversal,
    Fee,
    Adjustment,
    Payout,
}

/// <summary>One book: days of one mode, leg and provider are compared and closed in their order, independent of the others.</summary>
public sealed record Book(Mode Mode, Leg Leg, string Provider)
{
    public const string Stripe = "stripe";
    public const string Adyen = "adyen";

    /// <summary>Bank lines of nobody we know.</summary>
    public const string Other = "other";

    /// <summary>Bank lines of payouts to merchants.</summary>
    public const string Merchants = "merchants";

    // In the order of recon.report_number.
    public static IReadOnlyList<string> Providers { get; } = [Stripe, Adyen, Other, Merchants];

    public override string ToString() => $"{ModeNames.Of(Mode)} {Words.Of(Leg)} {Provider}";
}

/// <summary>By what an item finds its line.</summary>
public static class MatchKey
{
    /// <summary>The same reference in another currency or of another kind is something else; a reversal is of what it takes back.</summary>
    public static Guid Of(Mode mode, Leg leg, string provider, LineKind kind, string reference, string currency) =>
        Hash($"{ModeNames.Of(mode)}|{Words.Of(leg)}|{provider}|{Words.Of(OriginalOf(kind))}|{reference}|{currency}");

    /// <summary>Of a line without a reference: nothing has the same.</summary>
    public static Guid OfLine(ReadOnlySpan<byte> contentHash, long line) => Hash($"line|{Convert.ToHexString(contentHash)}|{line}");

    // With one key, what was booked and taken back on one day comes to nothing by itself.
    private static LineKind OriginalOf(LineKind kind) => kind switch
    {
        LineKind.CaptureReversal => LineKind.Capture,
        LineKind.RefundReversal => LineKind.Refund,
        LineKind.ChargebackReversal => LineKind.Chargeback,
        _ => kind,
    };

    private static Guid Hash(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return new Guid(hash[..16], bigEndian: true);
    }
}
