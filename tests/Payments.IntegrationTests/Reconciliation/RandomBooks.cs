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

    /// <summary>Beside what was agreed the provider takes a fee that belongs to no payment.</summary>
    LoneFee,
}

/// <summary>
/// Books of both providers made of dice, the reports that belong to them with corruptions thrown in, and what an oracle that knows nothing
/// of the database says about both.
/// </summary>
internal sealed class RandomBooks
{
    public static readonly DateOnly FirstDay = new(2026, 3, 10);
    public const int Days = 4;
    private static readonly DateOnly PaidOut = new(2026, 3, 16);
    private static readonly string[] Currencies = ["USD", "EUR", "JPY", "KWD"];
    // Kinds of movements with their words at both providers. Adyen has no reversal of a capture.
    private static readonly (LineKind Kind, int Sign, string Stripe, string Adyen, string Prefix)[] Kinds =
    [
        (LineKind.Capture, 1, "charge", "Settled", "pi_"), (LineKind.Capture, 1, "charge", "Settled", "pi_"), (LineKind.Capture, 1, "charge", "Settled", "pi_"),
        (LineKind.Refund, -1, "refund", "Refunded", "re_"), (LineKind.RefundReversal, 1, "refund_failure", "RefundedReversed", "re_"),
        (LineKind.Chargeback, -1, "dispute", "Chargeback", "du_"), (LineKind.ChargebackReversal, 1, "dispute_reversal", "ChargebackReversed", "du_"),
    ];

    private readonly List<ReportLine> lines = [];
    private readonly List<BankEntry> entries;
    private readonly Func<int, int> dice;
    private int number;

    public RandomBooks(Func<int, int> dice, int payments, Func<int, Corruption>? corruption = null)
    {
        this.dice = dice;
        for (var i = 0; i < payments; i++)
        {
            AddPayment(corruption?.Invoke(i) ?? (dice(3) == 0 ? (Corruption)dice(Enum.GetValues<Corruption>().Length) : Corruption.None));
        }

        entries = BankEntries();
    }

    private sealed record ReportLine(string Provider, LineKind Kind, string Reference, string Currency, long Gross, long Fee, DateTimeOffset At, string? NetCurrency = null, long NetGross = 0);

    /// <summary>An entry of the bank account.</summary>
    private sealed record BankEntry(string Provider, string Words, DateOnly Day, string Currency, long Amount);

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
            Add(line.Provider, Calendars.DayOf(line.Provider, line.At), line.Currency, -NetOf(line));
        }

        return differences;

        void Add(string provider, DateOnly day, string currency, long amount) => AddTo(differences, provider, day, currency, amount);
    }

    /// <summary>What the reports announce less what is on the bank account.</summary>
    public SortedDictionary<string, long> BankDifferences()
    {
        var differences = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (provider, currency, day, amount) in Announced())
        {
            AddTo(differences, provider, day, currency, amount);
        }

        foreach (var entry in entries)
        {
            AddTo(differences, entry.Provider, entry.Day, entry.Currency, -entry.Amount);
        }

        return differences;
    }

    /// <summary>The bank's statements, one a currency.</summary>
    public IEnumerable<(string Name, string Text)> BankStatements() => entries.GroupBy(e => Currency.Of(e.Currency)).Select(own =>
    {
        string Amount(long minor) => new Money(Math.Abs(minor), own.Key).Major().Replace('.', ',') is var major && major.Contains(',', StringComparison.Ordinal) ? major : major + ",";
        string Sign(long minor) => minor < 0 ? "D" : "C";
        var sum = own.Sum(e => e.Amount);
        return ($"bank {own.Key.Code}.sta", $":20:S\r\n:25:DE02/1\r\n:28C:1/1\r\n:60F:C260301{own.Key.Code}0,\r\n"
            + string.Concat(own.Select(e => string.Create(CultureInfo.InvariantCulture, $":61:{e.Day:yyMMdd}{Sign(e.Amount)}{Amount(e.Amount)}NTRFNONREF\r\n:86:{e.Words}\r\n")))
            + $":62F:{Sign(sum)}260331{own.Key.Code}{Amount(sum)}\r\n-\r\n");
    });

    private static long NetOf(ReportLine line) => (line.NetCurrency is null ? line.Gross : line.NetGross) - line.Fee;

    private static void AddTo(SortedDictionary<string, long> differences, string provider, DateOnly day, string currency, long amount)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{provider} {day:O} {currency}");
        differences[key] = differences.GetValueOrDefault(key) + amount;
    }

    private IEnumerable<(string Provider, string Currency, DateOnly Day, long Amount)> Announced() => lines.GroupBy(l => (l.Provider, Currency: l.NetCurrency ?? l.Currency))
        .OrderBy(g => g.Key.Provider, StringComparer.Ordinal).ThenBy(g => g.Key.Currency, StringComparer.Ordinal)
        .Select(g => (g.Key.Provider, g.Key.Currency, g.Key.Provider == Book.Stripe ? PaidOut : g.Max(l => Calendars.DayOf(Book.Adyen, l.At)), g.Sum(NetOf)));

    // Each payout as announced, of another amount, on another day, twice, or not at all; and what no report announces.
    private List<BankEntry> BankEntries()
    {
        var all = new List<BankEntry>();
        foreach (var (provider, currency, day, amount) in Announced())
        {
            var entry = new BankEntry(provider, provider == Book.Stripe ? $"STRIPE PAYOUT po_{currency}" : "ADYEN N.V. BATCH 7", day, currency, amount);
            all.AddRange(dice(8) switch
            {
                1 => [],
                2 => [entry, entry],
                3 => [entry with { Amount = amount + 1 + dice(9) }],
                4 => [entry with { Day = day.AddDays(1 + dice(3)) }],
                5 => [entry with { Amount = amount / 2 }, entry with { Amount = amount - (amount / 2) }],
                6 => [entry, entry with { Provider = Book.Other, Words = "INTEREST", Amount = 1 + dice(100) }],
                _ => [entry],
            });
        }

        return [.. all.Where(e => e.Amount != 0)];
    }

    public string StripeReport()
    {
        var text = new StringBuilder("automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id,customer_facing_amount,customer_facing_currency\n");
        foreach (var (line, i) in lines.Where(l => l.Provider == Book.Stripe).Select((l, i) => (l, i)))
        {
            var settled = Currency.Of(line.NetCurrency ?? line.Currency);
            var gross = line.NetCurrency is null ? line.Gross : line.NetGross;
            var category = line.Kind == LineKind.Fee ? "fee" : Array.Find(Kinds, k => k.Kind == line.Kind).Stripe;
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
            var type = line.Kind == LineKind.Fee ? "Fee" : Array.Find(Kinds, k => k.Kind == line.Kind).Adyen;
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
        var (kind, sign, _, _, prefix) = Kinds[dice(Kinds.Length)];
        var currency = corruption == Corruption.Exchanged ? "EUR" : Currencies[dice(Currencies.Length)];
        var gross = 100 + (10L * dice(5_000));
        gross *= sign;
        var fee = kind == LineKind.Capture ? 1 + dice(50) : 0;
        var day = FirstDay.AddDays(1 + dice(Days - 2));
        var at = new DateTimeOffset(day.ToDateTime(new TimeOnly(12, dice(60))), TimeSpan.Zero);
        var reference = string.Create(CultureInfo.InvariantCulture, $"{(provider == Book.Stripe ? prefix : "PSP")}{number:00000000}");
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
            Corruption.LoneFee => [line, new ReportLine(provider, LineKind.Fee, "fee_" + reference, currency, 0, 1 + dice(90), at)],
            _ => [line],
        });
    }

    private static Guid IdOf(int number) => new(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1);
}
