using System.Globalization;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Xunit;

namespace Payments.Tests.Ledger;

public sealed class CutOffTests
{
    [Theory]
    // schedule, weekday, zone, calendar, now, cut-off, paid from
    [InlineData(SettlementInterval.DailyT1, null, "UTC", "target", "2026-11-25T10:00:00Z", "2026-11-25T00:00:00Z", "2026-11-25")]
    [InlineData(SettlementInterval.DailyT2, null, "UTC", "target", "2026-11-25T10:00:00Z", "2026-11-25T00:00:00Z", "2026-11-26")]
    [InlineData(SettlementInterval.DailyT1, null, "Europe/Berlin", "target", "2026-11-24T23:00:00Z", "2026-11-24T23:00:00Z", "2026-11-25")]
    [InlineData(SettlementInterval.DailyT1, null, "Europe/Berlin", "target", "2026-11-24T22:59:59Z", "2026-11-23T23:00:00Z", "2026-11-24")]
    // Over a weekend the last one is Friday's end.
    [InlineData(SettlementInterval.DailyT1, null, "UTC", "target", "2026-11-29T10:00:00Z", "2026-11-28T00:00:00Z", "2026-11-30")]
    [InlineData(SettlementInterval.DailyT2, null, "UTC", "target", "2026-11-29T10:00:00Z", "2026-11-28T00:00:00Z", "2026-12-01")]
    // Good Friday and Easter Monday of 2026 are holidays of TARGET; of the Federal Reserve they are not.
    [InlineData(SettlementInterval.DailyT1, null, "UTC", "target", "2026-04-06T10:00:00Z", "2026-04-03T00:00:00Z", "2026-04-07")]
    [InlineData(SettlementInterval.DailyT1, null, "UTC", "federal_reserve", "2026-04-06T10:00:00Z", "2026-04-04T00:00:00Z", "2026-04-06")]
    // Thanksgiving.
    [InlineData(SettlementInterval.DailyT1, null, "America/New_York", "federal_reserve", "2026-11-27T12:00:00Z", "2026-11-26T05:00:00Z", "2026-11-27")]
    // A week ends with its weekday, or with the banking day before it.
    [InlineData(SettlementInterval.Weekly, 5, "UTC", "target", "2026-11-26T10:00:00Z", "2026-11-21T00:00:00Z", "2026-11-23")]
    [InlineData(SettlementInterval.Weekly, 5, "UTC", "target", "2026-04-05T10:00:00Z", "2026-04-03T00:00:00Z", "2026-04-07")]
    [InlineData(SettlementInterval.Weekly, 7, "UTC", "target", "2026-11-28T10:00:00Z", "2026-11-28T00:00:00Z", "2026-11-30")]
    // The night in which clocks go forward in Europe, and the one in which Berlin's midnight is at 22:00 UTC.
    [InlineData(SettlementInterval.DailyT1, null, "Europe/Berlin", "weekends", "2026-03-30T22:30:00Z", "2026-03-30T22:00:00Z", "2026-03-31")]
    public void The_last_cut_off_is_the_end_of_the_merchants_last_banking_day(SettlementInterval schedule, int? weekday, string zone, string calendar, string now, string at, string payOn)
    {
        var cut = CutOff.LastBefore(new(schedule, weekday, zone, calendar), Time(now));
        Assert.Equal((Time(at), DateOnly.Parse(payOn, CultureInfo.InvariantCulture)), (cut.At, cut.PayOn));
    }

    [Fact]
    public void Every_journal_of_a_batch_balances_and_pays_what_the_batch_says()
    {
        var merchant = new MerchantId(new Guid("018f0000-0000-7000-8000-000000000001"));
        foreach (var (net, held, released, to, paid) in new[] { (1000L, 0L, 0L, "EUR", 1000L), (1000, 100, 50, "EUR", 950), (-700, 0, 0, "EUR", -700), (1000, 100, 0, "USD", 976), (-700, 0, 100, "USD", -651), (0, 0, 80, "EUR", 80) })
        {
            var lines = SettlementPostings.For(merchant, new(Currency.Of("EUR"), net, held, released, Currency.Of(to), paid));
            Assert.Equal(paid, Sum(lines, AccountKind.MerchantPayable, to));
            Assert.Equal(-net, Sum(lines, AccountKind.MerchantPending, "EUR"));
            Assert.Equal(held - released, Sum(lines, AccountKind.MerchantReserve, "EUR"));
            Assert.Equal(to == "EUR" ? 0 : net - held + released, Sum(lines, AccountKind.FxClearing, "EUR"));
            Assert.All(lines, l => Assert.True(l.Amount.Minor > 0));
        }
    }

    // Credits less debits.
    private static long Sum(IEnumerable<JournalLine> lines, AccountKind kind, string currency) => lines.Where(l => l.Amount.Currency.Code == currency)
        .Sum(l => (l.Credit.Kind == kind ? l.Amount.Minor : 0) - (l.Debit.Kind == kind ? l.Amount.Minor : 0));

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
