using System.Text.Json.Nodes;
using Payments.Chaos.Judging;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>What reconciling the books may leave: nothing.</summary>
public sealed partial class VerdictTests
{
    private ReconciledRow Reconciled => Evidence.Reconciled!;

    [Fact]
    public void Books_that_nobody_reconciled_are_found() => Convicts(Rules.BreakLeft, Evidence with { Reconciled = null });

    [Fact]
    public void Without_a_fire_nobody_has_to_reconcile() => Assert.DoesNotContain(Verdict.Of(Evidence with { Reconciled = null, Fire = null }), v => v.Rule == Rules.BreakLeft);

    [Fact]
    public void What_was_not_reconciled_in_time_is_found() => Left(Reconciled with { Undone = ["reports and statements: adyen 0 of 1"] });

    [Fact]
    public void What_the_product_could_not_go_on_with_is_found() => Left(Reconciled with { Stuck = [new StuckRow("finding", "provider_receivable")] });

    [Theory]
    [InlineData("open", null)]
    [InlineData("booking", null)]
    [InlineData("proposed", null)]
    [InlineData("resolved", "person")]
    public void A_break_that_the_product_does_not_settle_itself_is_found_with_its_payment(string state, string? how)
    {
        var left = new BreakRow("provider", "stripe", Evidence.Payments[0].Id, "pi_1", "fee_difference", "USD", 30, state, how);
        var violation = Left(Reconciled with { Breaks = [left] });
        Assert.Equal(left.Payment, violation.Payment);
        Assert.Contains("pi_1", violation.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rule")]
    [InlineData("comparison")]
    public void A_break_that_the_product_settled_itself_is_no_violation(string how) =>
        Assert.Empty(Verdict.Of(Evidence with { Reconciled = Reconciled with { Breaks = [new BreakRow("provider", "stripe", null, "pi_1", "fee_difference", "USD", 1, "resolved", how)] } }));

    [Theory]
    [InlineData("fee_difference", "payment.double_charge_found", false)]
    [InlineData("missing_here", "payment.double_charge_found", true)]
    [InlineData("fee_difference", "payment.captured", true)]
    public void People_may_agree_to_a_fee_that_nobody_could_know_and_to_nothing_else(string ofClass, string type, bool isLeft)
    {
        var captured = Evidence.Events.First(e => e.Type == "payment.captured");
        var closed = Reconciled with { Breaks = [new BreakRow("provider", "adyen", captured.Payment, "PSP", ofClass, "USD", 30, "resolved", "person")] };
        var happened = Evidence with { Events = [.. Evidence.Events, captured with { Id = "evt_more", Type = type }], Reconciled = closed };
        Assert.Equal(isLeft, Verdict.Of(happened).Any(v => v.Rule == Rules.BreakLeft));

        // Nor is anything foreseen of a card that nothing is known about.
        var blind = Evidence.Events.Select(e => e.Payment == captured.Payment ? e with { Data = Blind(e.Data) } : e).ToArray();
        Assert.Equal(ofClass != "fee_difference", Verdict.Of(Evidence with { Events = blind, Reconciled = closed }).Any(v => v.Rule == Rules.BreakLeft));
    }

    private static string Blind(string data)
    {
        var altered = JsonNode.Parse(data)!;
        (altered["payment"]!["payment_method"]!["country"], altered["payment"]!["payment_method"]!["funding"]) = (null, null);
        return altered.ToJsonString();
    }

    [Fact]
    public void A_line_that_nobody_answered_is_found() => Left(Reconciled with { Unanswered = [new UnansweredRow("bank", "adyen", null, "BATCH 1", "EUR", 4_711)] });

    [Fact]
    public void A_day_that_is_not_closed_is_found()
    {
        Left(Reconciled with { Books = Altered(Reconciled.Books, _ => true, b => b with { ClosedThrough = b.LastDay.AddDays(-1) }) });
        Left(Reconciled with { Books = Altered(Reconciled.Books, b => b.Leg == "bank", b => b with { ClosedThrough = null }) });
    }

    [Fact]
    public void Lines_or_items_that_were_never_compared_are_found()
    {
        Left(Reconciled with { Totals = Without(Reconciled.Totals, t => t.Leg == "provider" && t.TheirsGross != 0) });
        Left(Reconciled with { Totals = Altered(Reconciled.Totals, t => t.Leg == "provider", t => t with { TheirsGross = t.TheirsGross - 1 }) });
        Left(Reconciled with { Totals = Altered(Reconciled.Totals, t => t.Leg == "provider", t => t with { OursGross = t.OursGross + 1 }) });
    }

    [Fact]
    public void Money_that_only_the_bank_or_only_the_ledger_has_is_found()
    {
        Left(Reconciled with { Totals = Altered(Reconciled.Totals, t => t.Leg == "bank", t => t with { TheirsGross = t.TheirsGross + 1 }) });
        Left(Reconciled with { Accounts = Altered(Reconciled.Accounts, a => a.Kind == "bank", a => a with { Debits = a.Debits + 1 }) });
    }

    [Theory]
    [InlineData("provider_receivable")]
    [InlineData("provider_cost_payable")]
    [InlineData("suspense")]
    public void A_clearing_account_that_is_left_with_something_is_found(string kind)
    {
        var account = new AccountRow("left", "stripe", kind, "USD", 100, 0, 0, 0);
        Assert.Contains("is left with 100", Left(Reconciled with { Accounts = [.. Reconciled.Accounts, account] }).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Bookings_of_payouts_that_do_not_sum_to_zero_are_found() =>
        Left(Reconciled with { Accounts = Altered(Reconciled.Accounts, a => a.Kind == "provider_cost_expense", a => a with { Debits = a.Debits + 1 }) });

    private Violation Left(ReconciledRow tampered)
    {
        var found = Verdict.Of(Evidence with { Reconciled = tampered });
        Assert.All(found, v => Assert.Equal(Rules.BreakLeft, v.Rule));
        return found.First(v => v.Rule == Rules.BreakLeft);
    }
}
