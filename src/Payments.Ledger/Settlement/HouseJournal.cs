using Payments.Core;
using Payments.Ledger.Books;

namespace Payments.Ledger.Settlement;

/// <summary>
/// Journals that no payment event causes. They have a hash chain and sub-accounts of their own, apart from the publisher's partitions,
/// so that the completeness control never looks for their events.
/// </summary>
internal static class HouseJournal
{
    /// <summary>Above every partition of the publisher.</summary>
    public const int Partition = 1000;

    // No event gave it a number.
    private const long NoEvent = 0;

    /// <param name="subject">What it is about: its digits stand where a payment's do.</param>
    public static JournalDraft Of(Guid id, Guid subject, Mode mode, MerchantId merchant, string type, DateTimeOffset at, IReadOnlyList<JournalLine> lines, bool decision = false) =>
        new(new JournalId(id), Partition, NoEvent, mode, new PaymentId(subject), merchant, type, Microseconds(at), decision, lines);

    /// <summary>A line that goes the other way round where the amount is negative; none where it is zero.</summary>
    public static IEnumerable<JournalLine> Signed(LineKind kind, AccountName debit, AccountName credit, long amount, Currency currency) => amount switch
    {
        0 => [],
        > 0 => [new JournalLine(kind, LineAction.Post, debit, credit, new Money(amount, currency))],
        _ => [new JournalLine(kind, LineAction.Post, credit, debit, new Money(checked(-amount), currency))],
    };

    // The database keeps no more: the content must be the same when it is made again.
    private static DateTimeOffset Microseconds(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
