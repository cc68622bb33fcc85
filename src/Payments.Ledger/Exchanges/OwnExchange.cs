using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;

namespace Payments.Ledger.Exchanges;

/// <summary>What the house gave to its bank in one currency, and got for it in another.</summary>
/// <param name="Reference">What the bank calls it: each once.</param>
public sealed record OwnExchange(Mode Mode, Money Sold, Money Bought, DateTimeOffset ExchangedAt, string Reference, string Reason)
{
    public const string EventType = "fx.exchanged";

    /// <summary>Follows from what it is: whoever records it again comes to the same journal.</summary>
    public JournalId Id { get; } = new(DerivedId.Version7($"exchange|{Account.Text(Mode)}|{Reference}", ExchangedAt));

    public JournalDraft Journal()
    {
        AccountName bank = new(Account.Platform, AccountKind.Bank), clearing = new(Account.Platform, AccountKind.FxClearing);
        return HouseJournal.Of(
            Id.Value, Id.Value, Mode, default, EventType, ExchangedAt,
            [new(LineKind.Exchange, LineAction.Post, clearing, bank, Sold), new(LineKind.Exchange, LineAction.Post, bank, clearing, Bought)]);
    }
}
