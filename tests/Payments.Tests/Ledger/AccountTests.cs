using Payments.Core;
using Payments.Ledger.Books;
using Xunit;

namespace Payments.Tests.Ledger;

public sealed class AccountTests
{
    private static readonly Currency Usd = Currency.Of("USD");

    [Fact]
    public void An_accounts_id_follows_from_what_it_is()
    {
        var account = new Account(Mode.Test, "stripe", AccountKind.ProviderReceivable, Usd, 3);
        Assert.Equal(account.Id, new Account(Mode.Test, "stripe", AccountKind.ProviderReceivable, Usd, 3).Id);
        Assert.Equal("acc_64evvfxde2g3eama4m5c4aywqv", account.Id.ToString());
        var others = new[]
        {
            account with { Mode = Mode.Live }, account with { Owner = "adyen" }, account with { Kind = AccountKind.ProviderCostPayable },
            account with { Currency = Currency.Of("EUR") }, account with { Partition = 4 },
        };
        Assert.Equal(6, others.Append(account).Select(a => a.Id).Distinct().Count());
    }

    [Theory]
    [InlineData(AccountKind.ProviderReceivable, 7)]
    [InlineData(AccountKind.CommissionRevenue, 7)]
    [InlineData(AccountKind.MerchantPending, Chart.Whole)]
    [InlineData(AccountKind.Bank, Chart.Whole)]
    public void Accounts_that_every_payment_meets_are_split_by_ledger_partition(AccountKind kind, int partition) =>
        Assert.Equal(partition, Account.Of(Mode.Test, new("x", kind), Usd, 7).Partition);

    [Fact]
    public void The_chart_has_every_kind_once_and_floors_bind_only_what_can_be_paid_out()
    {
        Assert.Equal(Enum.GetValues<AccountKind>(), Chart.Rows.Select(r => r.Kind).Order());
        Assert.Equal([AccountKind.MerchantPayable, AccountKind.MerchantReserve], Chart.Rows.Where(r => r.Floor == 0).Select(r => r.Kind));
        Assert.Null(Chart.Find("nonsense"));
    }
}
