using System.Globalization;
using Payments.Core;
using Payments.Ledger.Books;

namespace Payments.Ledger.Payouts;

/// <summary>A payment of what is payable to a merchant's bank account.</summary>
public readonly record struct PayoutId(Guid Value) : IId<PayoutId>
{
    public static string Prefix => "po";

    public static PayoutId From(Guid value) => new(value);

    /// <summary>Follows from what it is: a repeat makes the same.</summary>
    public static PayoutId Of(Mode mode, MerchantId merchant, Currency currency, DateOnly dueOn)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return new(DerivedId.Version7(
            string.Create(CultureInfo.InvariantCulture, $"payout|{Account.Text(mode)}|{merchant}|{currency.Code}|{dueOn:yyyy-MM-dd}"),
            new DateTimeOffset(dueOn.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero)));
    }

    public override string ToString() => Id.Format(Prefix, Value);
}

/// <summary>A bank file; its text is the file's message id.</summary>
public readonly record struct PayoutFileId(Guid Value) : IId<PayoutFileId>
{
    public static string Prefix => "pof";

    public static PayoutFileId From(Guid value) => new(value);

    public override string ToString() => Id.Format(Prefix, Value);
}
