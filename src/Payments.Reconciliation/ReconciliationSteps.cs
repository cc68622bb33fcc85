using Payments.Platform;

namespace Payments.Reconciliation;

/// <summary>The named steps of an import and a comparison, announced as <see cref="Steps"/> are: a test ends the process at each of them.</summary>
public static class ReconciliationSteps
{
    /// <summary>The file is known by its hash; nothing of it is loaded.</summary>
    public const string ImportBegun = "recon.import.begun";

    /// <summary>Some lines are in the open transaction.</summary>
    public const string ImportChunk = "recon.import.chunk";

    /// <summary>Some lines are durable, the file counts for nothing yet.</summary>
    public const string ImportChunkAfter = "recon.import.chunk.after";

    public const string ImportCompleting = "recon.import.completing";

    /// <summary>The file counts.</summary>
    public const string ImportAfter = "recon.import.after";

    public const string MatchBefore = "recon.match.before";

    /// <summary>A day was compared, in the open transaction.</summary>
    public const string MatchDay = "recon.match.day";
    public const string MatchDayAfter = "recon.match.day.after";

    /// <summary>A book has its entries, in the open transaction.</summary>
    public const string SettleEffects = "recon.settle.effects";
    public const string SettleAfter = "recon.settle.after";

    /// <summary>What payouts come to is noted, in the open transaction.</summary>
    public const string NoteEffects = "recon.match.note";
    public const string NoteAfter = "recon.match.note.after";

    public const string CloseEffects = "recon.close.effects";
    public const string CloseAfter = "recon.close.after";

    /// <summary>Payouts that the ledger knows of are expected, in the open transaction.</summary>
    public const string ExpectEffects = "recon.expect.effects";

    /// <summary>They are expected; the ledger was not told.</summary>
    public const string ExpectAfter = "recon.expect.after";

    public const string BookBefore = "recon.book.before";

    /// <summary>The ledger has answered; nobody wrote it down.</summary>
    public const string BookAnswered = "recon.book.answered";
    public const string BookAfter = "recon.book.after";

    /// <summary>Those of what the ledger knows and the statement has to show.</summary>
    public static IReadOnlyList<string> OfExpecting { get; } = [ExpectEffects, ExpectAfter];

    /// <summary>Those of asking the ledger to book.</summary>
    public static IReadOnlyList<string> OfBooking { get; } = [BookBefore, BookAnswered, BookAfter];

    /// <summary>Those of what happens in this service's database alone.</summary>
    public static IReadOnlyList<string> All { get; } =
        [ImportBegun, ImportChunk, ImportChunkAfter, ImportCompleting, ImportAfter, MatchBefore, MatchDay, MatchDayAfter, SettleEffects, SettleAfter, NoteEffects, NoteAfter, CloseEffects, CloseAfter];
}
