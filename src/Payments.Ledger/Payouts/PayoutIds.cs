using System.Globalization;
using Payments.Core;
using Payments.Ledger.Books;

namespace Payments.Ledger.Payouts;

/// <summary>Ids of payouts follow from what they are: a repeat makes the same.</summary>
public static class PayoutIds
{
    public static PayoutId Of(Mode mode, MerchantId merchant, Currency currency, DateOnly dueOn)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return new(DerivedId.Version7(
            string.Create(CultureInfo.InvariantCulture, $"payout|{Account.Text(mode)}|{merchant}|{currency.Code}|{dueOn:yyyy-MM-dd}"),
            new DateTimeOffset(dueOn.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero)));
    }
}

/// <summary>A bank file; its text is the file's message id.</summary>
public readonly record struct PayoutFileId(Guid Value) : IId<PayoutFileId>
{
    public static string Prefix => "pof";

    public static PayoutFileId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}
