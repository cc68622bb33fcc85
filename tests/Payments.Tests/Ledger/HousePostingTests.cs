using FsCheck;
using FsCheck.Fluent;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Xunit;

namespace Payments.Tests.Ledger;

public sealed class HousePostingTests
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly string NoHash = new('0', 64);

    // gross, fees, accrued, exchanged (paid, worth to us) → account: debits less credits
    public static TheoryData<string, long, long, long, long?, long?, string> Settlements { get; } = new()
    {
        { "the fee as accrued", 10_000, 300, 300, null, null, "bank USD 9700, provider_cost_payable USD 300, provider_receivable USD -10000" },
        { "a higher fee", 10_000, 350, 300, null, null, "bank USD 9650, provider_cost_payable USD 300, provider_cost_variance USD 50, provider_receivable USD -10000" },
        { "a lower fee", 10_000, 250, 300, null, null, "bank USD 9750, provider_cost_payable USD 300, provider_cost_variance USD -50, provider_receivable USD -10000" },
        { "more refunds than charges", -2_000, 0, 0, null, null, "bank USD -2000, provider_receivable USD 2000" },
        { "a fee alone", 0, 30, 0, null, null, "bank USD -30, provider_cost_variance USD 30, provider_receivable USD 0" },
        { "exchanged better than our rate", 10_000, 300, 300, 9_000, 8_900, "bank EUR 9000, fx_clearing EUR -8900, fx_clearing USD 9700, fx_gain_loss EUR -100, provider_cost_payable USD 300, provider_receivable USD -10000" },
        { "exchanged worse than our rate", 10_000, 300, 300, 8_800, 8_900, "bank EUR 8800, fx_clearing EUR -8900, fx_clearing USD 9700, fx_gain_loss EUR 100, provider_cost_payable USD 300, provider_receivable USD -10000" },
    };

    [Theory]
    [MemberData(nameof(Settlements))]
    public void A_settlement_moves_the_receivable_by_its_gross(string what, long gross, long fees, long accrued, long? paid, long? worth, string expected)
    {
        var lines = ProviderSettlementPostings.For(Settlement(gross, fees, accrued, paid is null ? null : new("EUR", paid.Value, worth)));
        Assert.True(expected == Text(lines), $"{what}: {Text(lines)}");
    }

    [Fact]
    public void Every_settlement_balances_in_each_currency_and_takes_its_gross_from_the_receivable() =>
        Prop.ForAll(ArbMap.Default.ArbFor<(int Gross, int Fees, int Accrued, int Paid, int Worth, bool Exchanged)>(), x =>
        {
            var lines = ProviderSettlementPostings.For(Settlement(x.Gross, x.Fees, x.Accrued, x.Exchanged ? new("EUR", x.Paid, x.Worth) : null));
            Assert.All(lines, l => Assert.True(l.Amount.Minor > 0 && l.Debit != l.Credit));
            Assert.Equal(-x.Gross, Of(AccountKind.ProviderReceivable, "USD"));
            Assert.Equal(x.Exchanged ? x.Paid : (long)x.Gross - x.Fees, Of(AccountKind.Bank, x.Exchanged ? "EUR" : "USD"));
            Assert.Equal((long)x.Fees - x.Accrued, Of(AccountKind.ProviderCostVariance, "USD"));

            long Of(AccountKind kind, string currency) => lines.Where(l => l.Amount.Currency.Code == currency)
                .Sum(l => (l.Debit.Kind == kind ? l.Amount.Minor : 0) - (l.Credit.Kind == kind ? l.Amount.Minor : 0));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Each_kind_of_correction_moves_between_its_two_accounts()
    {
        foreach (var kind in CorrectionPostings.Kinds)
        {
            var merchant = Ids.New<MerchantId>();
            var line = Assert.Single(CorrectionPostings.For(new(
                Ids.New<LedgerCorrectionId>(), Mode.Test, kind.Code, Provider.Adyen, "USD", 15, DateTimeOffset.UnixEpoch, "found", Ids.New<ReconciliationBreakId>(), "opk_1", MerchantId: merchant)));
            Assert.Equal((kind.Debit, kind.Credit, 15L), (line.Debit.Kind, line.Credit.Kind, line.Amount.Minor));
            Assert.All(new[] { line.Debit, line.Credit }, a => Assert.Equal(
                Chart.Of(a.Kind).Owner switch { OwnerKind.Merchant => merchant.ToString(), OwnerKind.Provider => "adyen", _ => "platform" }, a.Owner));
        }

        Assert.Equal(CorrectionPostings.Kinds.Count, CorrectionPostings.Kinds.Select(k => k.Code).Distinct().Count());
    }

    // amount, from, to, rate → minor units
    [Theory]
    [InlineData(10_000, "USD", "EUR", "0.9", 9_000)]
    [InlineData(1, "USD", "EUR", "0.5", 1)]
    [InlineData(-1, "USD", "EUR", "0.5", -1)]
    [InlineData(1, "USD", "EUR", "0.49", 0)]
    [InlineData(1_000, "JPY", "USD", "0.0067", 670)]
    [InlineData(1_000, "KWD", "JPY", "490.5", 491)]
    [InlineData(100, "USD", "BHD", "0.376", 376)]
    public void An_exchange_rounds_half_away_from_zero_to_the_minor_unit_of_its_currency(long minor, string from, string to, string rate, long expected) =>
        Assert.Equal(expected, FxRates.Convert(minor, Currency.Of(from), Currency.Of(to), decimal.Parse(rate, System.Globalization.CultureInfo.InvariantCulture)));

    private static ProviderSettlement Settlement(long gross, long fees, long accrued, ProviderConversion? exchanged) => new(
        Ids.New<ProviderSettlementId>(), Mode.Test, Provider.Stripe, "po_1", DateTimeOffset.UnixEpoch, [new("USD", gross, fees, accrued, gross - fees, exchanged)], 3, NoHash);

    private static string Text(IReadOnlyList<JournalLine> lines) => string.Join(", ", lines
        .SelectMany(l => new[] { (l.Debit.Kind, l.Amount.Currency.Code, l.Amount.Minor), (l.Credit.Kind, l.Amount.Currency.Code, Minor: -l.Amount.Minor) })
        .GroupBy(e => $"{Chart.Of(e.Kind).Code} {e.Code}").OrderBy(g => g.Key, StringComparer.Ordinal)
        .Select(g => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{g.Key} {g.Sum(e => e.Minor)}")));
}
