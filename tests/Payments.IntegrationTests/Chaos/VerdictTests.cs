using Payments.Chaos.Judging;
using Payments.Chaos.Load;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>
/// The verdict on a run that kept every promise is ok, and each view on its own is enough to change it: whatever is removed from, added to
/// or altered in one of them is a violation by its name.
/// </summary>
public sealed partial class VerdictTests(KeptEvidence kept) : IClassFixture<KeptEvidence>
{
    private Evidence Evidence => kept.Evidence;

    [Fact]
    public void Evidence_that_nobody_tampered_with_is_clean()
    {
        Assert.Empty(Verdict.Of(Evidence));
        Assert.True(Evidence.Payments.Count > 10, "there is something to judge");
    }

    // What clients were told.
    [Fact]
    public void A_payment_that_was_acknowledged_and_is_nowhere_is_found() => Convicts(
        Rules.AcknowledgedLost, Evidence with { Payments = Without(Evidence.Payments, p => p.Status == "captured") });

    [Fact]
    public void A_client_told_of_a_larger_capture_than_there_is_is_found() =>
        Convicts(Rules.AnswerContradicted, Evidence with { Told = Altered(Evidence.Told, IsCaptured, t => t with { Body = t.Body!.Replace("\"amount_captured\":", "\"amount_captured\":9", StringComparison.Ordinal) }) });

    [Fact]
    public void A_client_told_of_a_decline_that_was_none_is_found() =>
        Convicts(Rules.AnswerContradicted, Evidence with { Told = Altered(Evidence.Told, IsCaptured, t => t with { Body = t.Body!.Replace("\"captured\"", "\"declined\"", StringComparison.Ordinal) }) });

    [Fact]
    public void Two_answers_to_one_key_are_found() =>
        Convicts(Rules.OneAnswerPerKey, Evidence with { Told = [.. Evidence.Told, Evidence.Told.First(IsCaptured) is var t ? t with { Body = t.Body + " " } : t] });

    [Fact]
    public void A_request_that_is_never_answered_for_good_is_found() => Convicts(
        Rules.NeverAnswered, Evidence with { Told = [.. Evidence.Told, .. Enumerable.Repeat(Evidence.Told.First(IsCaptured) with { Key = "unheard", Status = 202 }, 2)] });

    [Fact]
    public void A_refusal_that_nobody_provoked_is_found() =>
        Convicts(Rules.UnexpectedAnswer, Evidence with { Told = [.. Evidence.Told, Evidence.Told.First(IsCaptured) with { Key = "refused", Status = 401, Body = "{\"code\":\"api_key_invalid\"}" }] });

    [Fact]
    public void A_refund_told_as_done_that_failed_is_found_unless_the_provider_took_it_back_before()
    {
        var told = Evidence.Told.First(t => t is { Operation: "refund", Status: 201 } && t.Text("status") == "succeeded");
        var operation = Evidence.Operations.Last(o => o.Key == told.Key);
        var refunded = Evidence.Events.First(e => e.Type == "payment.refunded" && e.Data.Contains(operation.Id, StringComparison.Ordinal));
        var failed = Evidence with { Operations = Altered(Evidence.Operations, o => o.Id == operation.Id, o => o with { State = "failed" }) };
        Convicts(Rules.AnswerContradicted, failed);

        var takenBack = refunded with { Id = "evt_taken_back", Type = "payment.refund_failed", Data = refunded.Data.Replace("\"state\":\"succeeded\"", "\"state\":\"reversed\"", StringComparison.Ordinal) };
        Assert.DoesNotContain(Verdict.Of(failed with { Events = [.. failed.Events, takenBack] }), v => v.Rule == Rules.AnswerContradicted);
    }

    // The payments database.
    [Fact]
    public void An_amount_altered_in_the_database_is_found() =>
        Convicts(Rules.AmountsDiffer, Evidence with { Payments = Altered(Evidence.Payments, p => p.Captured > 0, p => p with { Captured = p.Captured - 1 }) });

    [Fact]
    public void A_refund_above_the_capture_is_found() =>
        Convicts(Rules.AboveLimit, Evidence with { Operations = Altered(Evidence.Operations, o => o is { Kind: "refund", State: "succeeded" }, o => o with { Amount = o.Amount * 10 }) });

    [Fact]
    public void A_capture_above_the_authorization_is_found() =>
        Convicts(Rules.AboveLimit, Evidence with { Operations = Altered(Evidence.Operations, o => o is { Kind: "capture", State: "succeeded", Origin: "merchant" }, o => o with { Amount = o.Amount * 10 }) });

    [Fact]
    public void An_attempt_left_open_is_found() =>
        Convicts(Rules.AttemptOpen, Evidence with { Attempts = Altered(Evidence.Attempts, a => a.State == "succeeded", a => a with { State = "unknown" }) });

    [Fact]
    public void Something_left_in_a_queue_is_found() => Convicts(Rules.Stuck, Evidence with { Stuck = [new StuckRow("dead letter of ledger", "payment.captured")] });

    [Fact]
    public void A_contradiction_that_the_product_raised_is_found() =>
        Convicts(Rules.Incident, Evidence with { Incidents = [new IncidentRow("contradiction", null, "The capture was failed and now succeeded.", true)] });

    // The ledger.
    [Fact]
    public void A_missing_journal_is_found() => Convicts(Rules.PostingsDiffer, Evidence with { Journals = Without(Evidence.Journals, j => j.Type == "payment.captured") });

    [Fact]
    public void A_posting_of_another_amount_is_found() =>
        Convicts(Rules.PostingsDiffer, Evidence with { Lines = Altered(Evidence.Lines, l => l.Kind == "commission", l => l with { Amount = l.Amount + 1 }) });

    [Fact]
    public void A_posting_to_the_accounts_of_another_currency_is_found()
    {
        var accounts = Evidence.Accounts.ToDictionary(a => a.Id);
        AccountRow? Elsewhere(string id, string currency) => Evidence.Accounts.FirstOrDefault(a => (a.Owner, a.Kind, a.Currency) == (accounts[id].Owner, accounts[id].Kind, currency));
        var (line, debit, credit) = (
            from l in Evidence.Lines
            where l.Kind == "commission"
            from currency in Evidence.Accounts.Select(a => a.Currency).Distinct()
            where currency != l.Currency
            let d = Elsewhere(l.Debit, currency)
            let c = Elsewhere(l.Credit, currency)
            where d is not null && c is not null
            select (l, d, c)).First();

        // In itself it is sound: the accounts are the right ones but for the currency, and the line says that of its accounts.
        Convicts(Rules.PostingsDiffer, Evidence with { Lines = Altered(Evidence.Lines, l => l == line, l => l with { Debit = debit.Id, Credit = credit.Id, Currency = debit.Currency }) });
        Convicts(Rules.PostingsDiffer, Evidence with { Lines = Altered(Evidence.Lines, l => l == line, l => l with { Debit = debit.Id, Credit = credit.Id }) });
    }

    [Fact]
    public void A_movement_that_its_balances_do_not_show_is_found() =>
        Convicts(Rules.FoldDiffers, Evidence with { Lines = Without(Evidence.Lines, l => l.Kind == "capture") });

    [Fact]
    public void Books_that_do_not_sum_to_zero_are_found() =>
        Convicts(Rules.TrialBalance, Evidence with { Accounts = Altered(Evidence.Accounts, a => a.Kind == "commission_revenue", a => a with { Credits = a.Credits + 1 }) });

    [Fact]
    public void A_control_account_that_the_provider_does_not_confirm_is_found() =>
        Convicts(Rules.ControlAccount, Evidence with { Accounts = Altered(Evidence.Accounts, a => a.Kind == "provider_receivable", a => a with { Debits = a.Debits + 1 }) });

    // The providers' books.
    [Fact]
    public void A_second_charge_for_one_key_is_found() =>
        Convicts(Rules.OneChargePerKey, Evidence with { Charges = [.. Evidence.Charges, Evidence.Charges.First(c => c.Status == "captured") with { Id = "ch_second" }] });

    [Fact]
    public void A_charge_that_belongs_to_nobody_is_found() =>
        Convicts(Rules.UnknownCharge, Evidence with { Charges = [.. Evidence.Charges, Evidence.Charges.First(c => c.Status == "captured") with { Id = "ch_alien", Payment = null, Amount = 77 }] });

    [Fact]
    public void A_charge_that_nobody_asked_for_is_found() =>
        Convicts(Rules.NothingUnasked, Evidence with { Charges = [.. Evidence.Charges, Evidence.Charges.First(c => c.Status == "captured") with { Id = "ch_alien", Amount = 77 }] });

    [Fact]
    public void A_charge_missing_at_the_provider_is_found() =>
        Convicts(Rules.AmountsDiffer, Evidence with { Charges = Without(Evidence.Charges, c => c.Status == "captured") });

    // The webhooks received.
    [Fact]
    public void A_webhook_that_never_came_is_found() =>
        Convicts(Rules.NotTold, Evidence with { Received = [.. Evidence.Received.Where(r => r.Id != Evidence.Received[0].Id)] });

    [Fact]
    public void A_webhook_that_tells_otherwise_is_found() => Convicts(
        Rules.ToldWrongly, Evidence with { Received = Altered(Evidence.Received, r => r.Body.Contains("payment.captured", StringComparison.Ordinal), r => r with { Body = r.Body.Replace("\"amount_captured\":", "\"amount_captured\":9", StringComparison.Ordinal) }) });

    [Fact]
    public void An_event_that_was_never_written_is_found() =>
        Convicts(Rules.NotTold, Evidence with
        {
            Events = Without(Evidence.Events, e => e.Type == "payment.voided"),
            Received = [.. Evidence.Received.Where(r => r.Id != Evidence.Events.First(e => e.Type == "payment.voided").Id)],
        });

    // A provider that is silent.
    [Fact]
    public void A_charge_elsewhere_while_the_first_may_have_happened_is_found()
    {
        var first = Evidence.Attempts.First(a => a.Provider == "stripe" && a.State == "succeeded");
        var other = first with { Id = "att_elsewhere", Provider = "adyen", OpenedAt = first.OpenedAt.AddSeconds(5) };
        var silence = new SilenceRow("stripe", first.OpenedAt.AddSeconds(-1), first.OpenedAt.AddSeconds(1), first.OpenedAt.AddSeconds(30));
        Convicts(Rules.Failover, Evidence with { Attempts = [.. Evidence.Attempts, other], Silences = [silence] });
    }

    [Fact]
    public void A_resolution_after_more_than_five_minutes_is_found()
    {
        var at = Evidence.Attempts[0].OpenedAt;
        Convicts(Rules.LateResolution, Evidence with { Silences = [new SilenceRow("stripe", at, at, at.AddMinutes(5).AddSeconds(1))] });
    }

    // A key that is used for another body.
    [Fact]
    public void A_misused_key_that_is_answered_with_success_is_found() =>
        Convicts(Rules.OneAnswerPerKey, Evidence with { Told = [.. Evidence.Told, Evidence.Told.First(IsCaptured) with { Operation = "misuse", Amount = 8_000_001 }] });

    [Fact]
    public void A_misused_key_that_is_refused_by_another_name_is_found() => Convicts(
        Rules.OneAnswerPerKey, Evidence with { Told = [.. Evidence.Told, Misused(Capture) with { Status = 409, Body = """{"code": "payment_not_capturable"}""" }] });

    [Fact]
    public void A_misused_key_that_is_refused_as_it_must_be_is_no_violation() => Assert.Empty(Verdict.Of(Evidence with { Told = [.. Evidence.Told, Misused(Capture)] }));

    [Fact]
    public void An_amount_that_only_a_misused_key_asked_for_is_found_in_the_database()
    {
        var capture = Capture;
        Convicts(Rules.NothingUnasked, Evidence with
        {
            Told = [.. Evidence.Told, Misused(capture)],
            Operations = [.. Evidence.Operations, Evidence.Operations.First(o => o.Key == capture.Key) with { Id = "op_misused", Key = null, Amount = 7 }],
        });
    }

    [Fact]
    public void An_amount_that_only_a_misused_key_asked_for_is_found_in_the_books()
    {
        var refund = Evidence.Told.First(t => t is { Operation: "refund", Status: 201 });
        Convicts(Rules.NothingUnasked, Evidence with
        {
            Told = [.. Evidence.Told, Misused(refund)],
            Charges = Altered(Evidence.Charges, c => c.Payment == refund.Payment, c => c with { Refunds = [.. c.Refunds, new MovementRow("re_misused", 7, null, "pending")] }),
        });
    }

    [Fact]
    public void Two_operations_under_one_key_are_found() => Convicts(
        Rules.OneChargePerKey, Evidence with { Operations = [.. Evidence.Operations, Evidence.Operations.First(o => o is { Kind: "capture", State: "succeeded", Key: not null }) with { Id = "op_second" }] });

    [Theory]
    [InlineData("capture")]
    [InlineData("refund")]
    public void A_movement_that_only_the_provider_knows_the_reason_of_is_found(string kind) => Convicts(
        Rules.NothingUnasked, Evidence with { Operations = Altered(Evidence.Operations, o => o.Kind == kind && o.State == "succeeded", o => o with { Origin = "provider" }) });

    // What else may be said wrongly.
    [Fact]
    public void A_version_that_is_shown_in_two_ways_is_found()
    {
        var told = Evidence.Told.First(t => t is { Operation: "read", Status: 200 } && t.Text("status") == "authorized");
        Convicts(Rules.AnswerContradicted, Evidence with { Told = [.. Evidence.Told, told with { Body = told.Body!.Replace("\"amount_capturable\":", "\"amount_capturable\":9", StringComparison.Ordinal) }] });
    }

    [Theory]
    [InlineData("canceled")]
    [InlineData("captured")]
    [InlineData("requires_action")]
    public void A_hold_that_the_provider_does_not_have_is_found(string status)
    {
        var held = Evidence.Payments.First(p => p.Status == "authorized");
        Convicts(Rules.AmountsDiffer, Evidence with { Charges = Altered(Evidence.Charges, c => c.Payment == held.Id, c => c with { Status = status }) });
    }

    [Theory]
    [InlineData("voided")]
    [InlineData("expired")]
    [InlineData("failed")]
    public void A_hold_that_is_said_to_be_gone_and_is_not_is_found(string status)
    {
        var held = Evidence.Payments.First(p => p.Status == "authorized");
        Convicts(Rules.AmountsDiffer, Evidence with { Payments = Altered(Evidence.Payments, p => p.Id == held.Id, p => p with { Status = status }) });
    }

    [Fact]
    public void A_webhook_that_tells_of_no_event_is_found() =>
        Convicts(Rules.ToldWrongly, Evidence with { Received = [.. Evidence.Received, Evidence.Received[0] with { Id = "evt_alien" }] });

    [Fact]
    public void A_hold_in_the_ledger_that_the_provider_does_not_confirm_is_found() => Convicts(
        Rules.ControlAccount, Evidence with { Accounts = Altered(Evidence.Accounts, a => a is { Kind: "provider_receivable", PendingDebits: > 0 }, a => a with { PendingDebits = a.PendingDebits + 1 }) });

    [Fact]
    public void A_hold_in_the_books_that_the_ledger_does_not_show_is_found()
    {
        var held = Evidence.Payments.First(p => p.Status == "authorized");
        var altered = Altered(Evidence.Charges, c => c.Payment == held.Id, c => c with { Voided = 1 });
        Convicts(Rules.ControlAccount, Evidence with { Charges = altered });
    }

    private Told Capture => Evidence.Told.First(t => t is { Operation: "capture", Status: 200 });

    private static Told Misused(Told told) =>
        told with { Operation = "misuse", Amount = 7, Status = 422, Body = """{"code": "idempotency_key_reused"}""" };

    private static void Convicts(string rule, Evidence tampered) => Assert.Contains(Verdict.Of(tampered), v => v.Rule == rule);

    private static bool IsCaptured(Told told) => told is { Operation: "create", Status: 201 } && told.Text("status") == "captured";

    private static T[] Without<T>(IReadOnlyList<T> rows, Func<T, bool> which)
    {
        var place = rows.Index().First(r => which(r.Item)).Index;
        return [.. rows.Take(place), .. rows.Skip(place + 1)];
    }

    private static T[] Altered<T>(IReadOnlyList<T> rows, Func<T, bool> which, Func<T, T> change)
    {
        var place = rows.Index().First(r => which(r.Item)).Index;
        return [.. rows.Take(place), change(rows[place]), .. rows.Skip(place + 1)];
    }
}
