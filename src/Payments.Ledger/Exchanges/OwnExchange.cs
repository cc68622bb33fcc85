using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;

namespace Payments.Ledger.Exchanges;

/// <summary>What the house gave to its bank in one currency, and got for it in another.</summary>
/// <param name="Id">Its journal's too, of the time at which it was recorded.</param>
/// <param name="Reference">What the bank calls it: booked once.</param>
public sealed record OwnExchange(JournalId Id, Mode Mode, Money Sold, Money Bought, DateTimeOffset ExchangedAt, string Reference, string Reason)
{
    public const string EventType = "fx.exchanged";

    public JournalDraft Journal()
    {
        AccountName bank = new(Account.Platform, AccountKind.Bank), clearing = new(Account.Platform, AccountKind.FxClearing);
        return HouseJournal.Of(
            Id.Value, Id.Value, Mode, default, EventType, ExchangedAt,
            [new(LineKind.Exchange, LineAction.Post, clearing, bank, Sold), new(LineKind.Exchange, LineAction.Post, bank, clearing, Bought)]);
    }
}
