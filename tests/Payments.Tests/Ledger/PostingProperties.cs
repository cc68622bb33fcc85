using FsCheck;
using FsCheck.Fluent;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.Tests.Ledger;

public sealed class PostingProperties
{
    private static readonly IdSource Ids = new(TimeProvider.System);

    [Fact]
    public void Whatever_happens_to_payments_the_posted_balances_are_those_of_the_oracle() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), script =>
        {
            var world = Play(script);
            var (balances, held) = Fold(world);
            Assert.Equal(Sorted(world.Balances), Sorted(balances));
            Assert.Equal(Sorted(world.Held), Sorted(held));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(400));

    [Fact]
    public void Whatever_happens_to_payments_each_currency_and_mode_balances() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), script =>
        {
            var (balances, _) = Fold(Play(script));
            Assert.All(balances.GroupBy(b => (b.Key.Mode, b.Key.Currency)), g => Assert.Equal(0, g.Sum(b => b.Value)));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithEndSize(400));

    [Fact]
    public void What_is_held_for_a_payment_never_falls_below_zero() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), script =>
        {
            var held = new Dictionary<PaymentId, long>();
            foreach (var happened in Play(script).History)
            {
                foreach (var line in Postings.For(happened).Where(l => l.Action != LineAction.Post))
                {
                    held[happened.PaymentId] = held.GetValueOrDefault(happened.PaymentId) + (line.Action == LineAction.Hold ? line.Amount.Minor : -line.Amount.Minor);
                    Assert.True(held[happened.PaymentId] >= 0);
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithEndSize(400));

    private static World Play(int[] script)
    {
        var place = 0;
        var world = new World(below => place < script.Length ? (int)((uint)script[place++] % (uint)below) : 0, Ids);
        while (place < script.Length)
        {
            world.Step();
        }

        return world;
    }

    private static (Dictionary<OracleAccount, long> Balances, Dictionary<OracleAccount, long> Held) Fold(World world)
    {
        var (balances, held) = (new Dictionary<OracleAccount, long>(), new Dictionary<OracleAccount, long>());
        foreach (var happened in world.History)
        {
            foreach (var line in Postings.For(happened))
            {
                var credit = new OracleAccount(happened.Mode, line.Credit.Owner, line.Credit.Kind, line.Amount.Currency.Code);
                if (line.Action == LineAction.Post)
                {
                    var debit = new OracleAccount(happened.Mode, line.Debit.Owner, line.Debit.Kind, line.Amount.Currency.Code);
                    balances[debit] = balances.GetValueOrDefault(debit) - line.Amount.Minor;
                    balances[credit] = balances.GetValueOrDefault(credit) + line.Amount.Minor;
                }
                else
                {
                    held[credit] = held.GetValueOrDefault(credit) + (line.Action == LineAction.Hold ? line.Amount.Minor : -line.Amount.Minor);
                }
            }
        }

        return (balances, held);
    }

    private static (OracleAccount, long)[] Sorted(Dictionary<OracleAccount, long> accounts) =>
        [.. accounts.Where(a => a.Value != 0).OrderBy(a => a.Key.ToString(), StringComparer.Ordinal).Select(a => (a.Key, a.Value))];
}
