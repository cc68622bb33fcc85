using System.Globalization;
using System.Text;
using Payments.Core;
using Payments.Reconciliation;
using Payments.Reconciliation.Imports;
using Payments.Reconciliation.Intake;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What is done to a line on its way from the provider's books to its report.</summary>
internal enum Corruption
{
    None,
    Missing,
    Extra,
    Duplicated,
    AmountChanged,
    FeeChanged,
    BookedNextDay,
    BookedPreviousDay,
    SplitInTwo,
    NotInOurBooks,
    Exchanged,
}

/// <summary>
/// Books of both providers made of dice, the reports that belong to them with corruptions thrown in, and what an oracle that knows nothing
/// of the database says about both.
/// </summary>
internal sealed class RandomBooks
{
    public static readonly DateOnly FirstDay = new(2026, 3, 10);
    public const int Days = 4;
    private static readonly string[] Currencies = ["USD", "EUR", "JPY", "KWD"];
    private readonly List<ReportLine> lines = [];
    private readonly Func<int, int> dice;
    private int number;

    public RandomBooks(Func<int, int> dice, int payments, Func<int, Corruption>? corruption = null)
    {
        this.dice = dice;
        for (var i = 0; i < payments; i++)
        {
            AddPayment(corruption?.Invoke(i) ?? (dice(3) == 0 ? (Corruption)dice(Enum.GetValues<Corruption>().Length) : Corruption.None));
        }
    }

    private sealed record ReportLine(string Provider, LineKind Kind, string Reference, string Currency, long Gross, long Fee, DateTimeOffset At, string? NetCurrency = null, long NetGross = 0);

    public List<ExpectedItem> Items { get; } = [];

    /// <summary>How many of each corruption there are.</summary>
    public Dictionary<Corruption, int> Corruptions { get; } = [];

    /// <summary>Ours less theirs by provider, day and currency, from what was generated. Exchanged lines count at the expected rate of one to one.</summary>
    public SortedDictionary<string, long> Differences()
    {
        var differences = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var item in Items)
        {
            Add(item.Provider, item.Day, item.Currency, item.Gross - item.Fee);
        }

        foreach (var line in lines)
        {
            Add(line.Provider, Calendars.DayOf(line.Provider, line.At), line.Currency, -((line.NetCurrency is null ? line.Gross : line.NetGross) - line.Fee));
        }

        return differences;

        void Add(string provider, DateOnly day, string currency, long amount)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"{provider} {day:O} {currency}");
            differences[key] = differences.GetValueOrDefault(key) + amount;
        }
    }

    public string StripeReport()
    {
        var text = new StringBuilder("automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id,customer_facing_amount,customer_facing_currency\n");
        foreach (var (line, i) in lines.Where(l => l.Provider == Book.Stripe).Select((l, i) => (l, i)))
        {
            var settled = Currency.Of(line.NetCurrency ?? line.Currency);
            var gross = line.NetCurrency is null ? line.Gross : line.NetGross;
            var category = line.Kind == LineKind.Capture ? "charge" : "refund";
            text.Append(CultureInfo.InvariantCulture, $"po_{settled.Code},2026-03-16 00:00:00,txn_{i},{line.At:yyyy-MM-dd HH:mm:ss},{settled.Code.ToLowerInvariant()},{new Money(gross, settled).Major()},{new Money(line.Fee, settled).Major()},");
            text.Append(CultureInfo.InvariantCulture, $"{new Money(gross - line.Fee, settled).Major()},{category},{(line.Kind == LineKind.Capture ? "ch_" + i : line.Reference)},{(line.Kind == LineKind.Capture ? line.Reference : "pi_of_" + line.Reference)},");
            text.Append(CultureInfo.InvariantCulture, $"{(line.NetCurrency is null ? "" : new Money(line.Gross, Currency.Of(line.Currency)).Major())},{(line.NetCurrency is null ? "" : line.Currency.ToLowerInvariant())}\n");
        }

        return text.ToString();
    }

    public string AdyenReport()
    {
        var text = new StringBuilder(
            "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number\n");
        foreach (var line in lines.Where(l => l.Provider == Book.Adyen))
        {
            var (own, settled) = (Currency.Of(line.Currency), Currency.Of(line.NetCurrency ?? line.Currency));
            var net = (line.NetCurrency is null ? line.Gross : line.NetGross) - line.Fee;
            var type = line.Kind == LineKind.Capture ? "Settled" : "Refunded";
            var (debit, credit) = line.Gross < 0 ? (new Money(-line.Gross, own).Major(), "") : ("", new Money(line.Gross, own).Major());
            var (netDebit, netCredit) = net < 0 ? (new Money(-net, settled).Major(), "") : ("", new Money(net, settled).Major());
            text.Append(CultureInfo.InvariantCulture, $"Co,Shop,{(line.Kind == LineKind.Capture ? line.Reference : "P" + line.Reference)},ref,visa,{line.At:yyyy-MM-dd HH:mm:ss},UTC,{type},{line.Reference},{own.Code},{debit},{credit},1,");
            text.Append(CultureInfo.InvariantCulture, $"{settled.Code},{netDebit},{netCredit},,{new Money(line.Fee, settled).Major()},,,7\n");
        }

        return text.ToString();
    }

    private void AddPayment(Corruption corruption)
    {
        number++;
        var provider = dice(2) == 0 ? Book.Stripe : Book.Adyen;
        var kind = dice(6) == 0 ? LineKind.Refund : LineKind.Capture;
        var currency = corruption == Corruption.Exchanged ? "EUR" : Currencies[dice(Currencies.Length)];
        var gross = 100 + (10L * dice(5_000));
        gross = kind == LineKind.Refund ? -gross : gross;
        var fee = kind == LineKind.Refund ? 0 : 1 + dice(50);
        var day = FirstDay.AddDays(1 + dice(Days - 2));
        var at = new DateTimeOffset(day.ToDateTime(new TimeOnly(12, dice(60))), TimeSpan.Zero);
        var reference = string.Create(CultureInfo.InvariantCulture, $"{(provider == Book.Stripe ? (kind == LineKind.Capture ? "pi_" : "re_") : "PSP")}{number:00000000}");
        Corruptions[corruption] = Corruptions.GetValueOrDefault(corruption) + 1;
        if (corruption is not (Corruption.Extra or Corruption.NotInOurBooks))
        {
            Items.Add(new(IdOf(number), Mode.Test, provider, kind, reference, provider == Book.Stripe ? "pi_" + number : reference, currency, gross, fee, IdOf(1_000_000 + number), IdOf(5), at));
        }

        var line = new ReportLine(provider, kind, reference, currency, gross, fee, at);
        lines.AddRange(corruption switch
        {
            Corruption.Missing => [],
            Corruption.Duplicated => [line, line],
            Corruption.AmountChanged => [line with { Gross = gross + 1 + dice(9) }],
            Corruption.FeeChanged => [line with { Fee = fee + 1 + dice(9) }],
            Corruption.BookedNextDay => [line with { At = at.AddDays(1) }],
            Corruption.BookedPreviousDay => [line with { At = at.AddDays(-1) }],
            Corruption.SplitInTwo => [line with { Gross = gross / 10 * 4, Fee = 0 }, line with { Gross = gross - (gross / 10 * 4) }],
            Corruption.Exchanged => [line with { NetCurrency = "USD", NetGross = gross - 7 }],
            _ => [line],
        });
    }

    private static Guid IdOf(int number) => new(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1);
}
