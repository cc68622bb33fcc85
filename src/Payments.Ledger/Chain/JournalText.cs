using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Payments.Ledger.Books;

namespace Payments.Ledger.Chain;

/// <summary>A journal as its hash sees it: everything but its place in the chain.</summary>
internal sealed record JournalContent(
    Guid Id, string Mode, int Partition, Guid Payment, Guid Merchant, string EventType, DateTimeOffset EffectiveAt, bool Decision, IReadOnlyList<LineContent> Lines)
{
    public static JournalContent Of(JournalDraft draft, AccountIds accounts) => new(
        draft.Id.Value, Account.Text(draft.Mode), draft.Partition, draft.PaymentId.Value, draft.MerchantId.Value, draft.EventType, draft.EffectiveAt, draft.Decision,
        [.. draft.Lines.Select((line, place) => new LineContent(
            place + 1, LineText.Of(line.Action), LineText.Of(line.Kind), DerivedId.Version7(draft.Id.Value, place + 1),
            accounts.Of(draft.DebitOf(line)), accounts.Of(draft.CreditOf(line)), line.Amount.Minor, line.Amount.Currency.Code))]);
}

internal sealed record LineContent(int Line, string Action, string Kind, Guid Id, Guid Debit, Guid Credit, long Amount, string Currency);

/// <summary>
/// The canonical text of a journal and the hashes over it. A second implementation of what <c>ledger.post_journals</c> does in SQL,
/// so that a mistake or a change in one is seen by the other.
/// </summary>
internal static class JournalText
{
    public static readonly byte[] Genesis = new byte[32];

    public static byte[] ContentHash(JournalContent journal)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"journal|{journal.Id:D}|{journal.Mode}|{journal.Partition}|{journal.Payment:D}|{journal.Merchant:D}|{journal.EventType}|{Micros(journal.EffectiveAt)}|{(journal.Decision ? 1 : 0)}\n");
        foreach (var line in journal.Lines)
        {
            text.Append(CultureInfo.InvariantCulture, $"{line.Line}|{line.Action}|{line.Kind}|{line.Id:D}|{line.Debit:D}|{line.Credit:D}|{line.Amount}|{line.Currency}\n");
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    public static byte[] ChainHash(byte[] previous, byte[] content, int partition, long seq, long eventSeq, DateTimeOffset postedAt) =>
        SHA256.HashData([.. previous, .. content, .. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{partition}|{seq}|{eventSeq}|{Micros(postedAt)}"))]);

    private static long Micros(DateTimeOffset at) => (at.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;
}
