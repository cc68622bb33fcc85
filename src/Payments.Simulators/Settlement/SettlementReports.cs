using System.Globalization;
using System.Text;
using Payments.Core;
using Payments.Simulators.Cards;

namespace Payments.Simulators.Settlement;

/// <summary>The providers' reports as they are downloaded.</summary>
internal static class SettlementReports
{
    /// <summary>Stripe's <c>payout_reconciliation.itemized.5</c>: one payout per day and currency, two days later.</summary>
    public static string Stripe(IReadOnlyList<SettledMovement> lines)
    {
        var text = new StringBuilder(
            "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,reporting_category,source_id,description,customer_facing_amount,customer_facing_currency,trace_id,charge_id,payment_intent_id,payment_method_type,card_brand\n");
        foreach (var line in lines)
        {
            var (day, paid) = (DateOnly.FromDateTime(line.At.UtcDateTime), line.PaidOutIn);
            var category = line.Kind switch { SettledKind.Capture => "charge", SettledKind.Refund => "refund", SettledKind.Chargeback or SettledKind.SecondChargeback => "dispute", SettledKind.ChargebackReversal => "dispute_reversal", _ => "refund_failure" };
            text.Append(CultureInfo.InvariantCulture, $"{PayoutOf(line)},{PaidOn(day):yyyy-MM-dd} 00:00:00,{line.Transaction},{line.At.UtcDateTime:yyyy-MM-dd HH:mm:ss},{PaidOn(day):yyyy-MM-dd} 00:00:00,{paid.Code.ToLowerInvariant()},");
            text.Append(CultureInfo.InvariantCulture, $"{Major(line.PaidGross, paid)},{Major(line.PaidFee, paid)},{Major(line.PaidNet, paid)},{category},{line.Reference},,{Major(line.Amount, line.Currency)},{line.Currency.Code.ToLowerInvariant()},");
            text.Append(CultureInfo.InvariantCulture, $"trace_{PayoutOf(line)},{(line.Kind == SettledKind.Capture ? line.Reference : "")},{line.Payment},{MethodOf(line)}\n");
        }

        return text.ToString();
    }

    private static string MethodOf(SettledMovement line) => line.Brand == CardReader.StripeMethodType ? line.Brand + "," : "card," + line.Brand;

    /// <summary>Adyen's settlement details of one batch, with the payout at its end.</summary>
    public static string Adyen(IReadOnlyList<SettledMovement> lines, string account, int batch)
    {
        var text = new StringBuilder(
            "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,Modification Merchant Reference,Batch Number\n");
        foreach (var line in lines)
        {
            var type = line.Kind switch { SettledKind.Capture => "Settled", SettledKind.Refund => "Refunded", SettledKind.Chargeback => "Chargeback", SettledKind.SecondChargeback => "SecondChargeback", SettledKind.ChargebackReversal => "ChargebackReversed", _ => "RefundedReversed" };

            // Interchange++: the fee in its parts.
            var (interchange, scheme) = (line.PaidFee / 2, line.PaidFee / 4);
            text.Append(CultureInfo.InvariantCulture, $"PaymentsCo,{account},{line.Payment},{line.MerchantReference},{line.Brand},{line.At.UtcDateTime:yyyy-MM-dd HH:mm:ss},UTC,{type},{line.Reference},");
            text.Append(CultureInfo.InvariantCulture, $"{line.Currency.Code},{Debit(line.Amount, line.Currency)},{Credit(line.Amount, line.Currency)},{line.Rate ?? 1m},{line.PaidOutIn.Code},{Debit(line.PaidNet, line.PaidOutIn)},{Credit(line.PaidNet, line.PaidOutIn)},");
            text.Append(CultureInfo.InvariantCulture, $",{Major(line.PaidFee - interchange - scheme, line.PaidOutIn)},{Major(scheme, line.PaidOutIn)},{Major(interchange, line.PaidOutIn)},{line.Brand},,{batch}\n");
        }

        foreach (var payout in lines.GroupBy(l => l.PaidOutIn).OrderBy(g => g.Key.Code, StringComparer.Ordinal))
        {
            var (net, day) = (payout.Sum(l => l.PaidNet), payout.Max(l => l.At));
            text.Append(CultureInfo.InvariantCulture, $"PaymentsCo,{account},,,,{day.UtcDateTime:yyyy-MM-dd HH:mm:ss},UTC,MerchantPayout,PAYOUT{batch}{payout.Key.Code},,,,,{payout.Key.Code},{Credit(net, payout.Key)},{Debit(net, payout.Key)},,,,,,,{batch}\n");
        }

        return text.ToString();
    }

    public static string PayoutOf(SettledMovement line) => string.Create(CultureInfo.InvariantCulture, $"po_sim{line.At.UtcDateTime:yyyyMMdd}{line.PaidOutIn.Code}");

    public static DateOnly PaidOn(DateOnly day) => day.AddDays(2);

    private static string Major(long amount, Currency currency) => new Money(amount, currency).Major();

    private static string Debit(long amount, Currency currency) => amount < 0 ? Major(-amount, currency) : "";

    private static string Credit(long amount, Currency currency) => amount < 0 ? "" : Major(amount, currency);
}
