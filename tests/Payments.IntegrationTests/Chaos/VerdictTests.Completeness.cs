using Payments.Chaos.Judging;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>What is missing from every view at once: events never written, a log not followed, a fire that did not burn.</summary>
public sealed partial class VerdictTests
{
    // Events that were never written: no view has them.
    [Fact]
    public void Each_event_is_missed_when_every_view_has_lost_it()
    {
        var missed = Evidence.Events.ToLookup(lost => Verdict.Of(WithoutEvent(lost)).Any(v => v.Rule == Rules.EventMissing), lost => lost.Type);

        Assert.Empty(missed[false]);
        Assert.All(
            ["payment.authorized", "payment.processing", "payment.requires_action", "payment.refund_pending", "payment.captured", "payment.refunded", "payment.voided", "payment.declined"],
            type => Assert.Contains(type, missed[true]));
    }

    [Fact]
    public void An_event_of_another_kind_than_the_operation_calls_for_is_found() => Convicts(
        Rules.EventMissing, Evidence with { Events = Altered(Evidence.Events, e => e.Type == "payment.declined", e => e with { Type = "payment.failed" }) });

    // The event log, its relay and its consumers.
    [Theory]
    [InlineData("relay")]
    [InlineData("ledger")]
    [InlineData("webhooks")]
    [InlineData("fraud")]
    [InlineData("fraud_model")]
    [InlineData("reconciliation")]
    public void Whoever_follows_the_event_log_and_stays_behind_is_found(string who)
    {
        Convicts(Rules.Stuck, Evidence with { Positions = Altered(Evidence.Positions, p => p.Who == who && p.Seq > 0, p => p with { Seq = p.Seq - 1 }) });
        Convicts(Rules.Stuck, Evidence with { Positions = [.. Evidence.Positions.Where(p => p.Who != who)] });
    }

    [Fact]
    public void An_event_log_that_nobody_looked_at_is_found() => Convicts(Rules.Stuck, Evidence with { Positions = [] });

    // Too little fire to prove anything.
    [Fact]
    public void A_fire_that_burned_enough_is_no_violation() => Assert.DoesNotContain(Verdict.Of(Burnt(Enough)), v => v.Rule == Rules.TooLittleFire);

    [Theory]
    [InlineData("kill -9", 19)]
    [InlineData("database crash", 2)]
    [InlineData("Redis emptied", 0)]
    [InlineData("broker wiped", 2)]
    [InlineData("Redis hung", 0)]
    [InlineData("disk full", 0)]
    [InlineData("clock step", 0)]
    public void Ten_minutes_with_too_few_faults_of_a_kind_are_found(string kind, int made) =>
        Convicts(Rules.TooLittleFire, Burnt(Enough with { Faults = new Dictionary<string, int>(Enough.Faults) { [kind] = made } }));

    [Fact]
    public void What_a_machine_cannot_do_is_not_demanded_of_it() => Assert.DoesNotContain(
        Verdict.Of(Burnt(Enough with
        {
            Faults = new Dictionary<string, int>(Enough.Faults) { ["disk full"] = 0 },
            LeftOut = new Dictionary<string, string> { ["disk full"] = "nothing may be mounted here" },
        })), v => v.Rule == Rules.TooLittleFire);

    [Fact]
    public void Ten_minutes_with_too_few_payments_are_found()
    {
        var burnt = Burnt(Enough);
        Convicts(Rules.TooLittleFire, burnt with { Payments = [.. burnt.Payments.Skip(Evidence.Payments.Count + 1)] });
    }

    [Fact]
    public void A_short_run_without_a_payment_is_found() =>
        Convicts(Rules.TooLittleFire, Evidence with { Fire = Enough with { Minutes = 0.1 }, Payments = [] });

    [Fact]
    public void A_long_run_without_a_silence_is_found() => Convicts(Rules.TooLittleFire, Burnt(Enough) with { Silences = [] });

    [Fact]
    public void A_silence_that_met_nobody_is_found()
    {
        var before = Evidence.Attempts.Min(a => a.OpenedAt).AddHours(-1);
        Convicts(Rules.TooLittleFire, Burnt(Enough) with { Silences = [new SilenceRow("stripe", before, before.AddMinutes(1), before.AddMinutes(2))] });
    }

    private static FireRow Enough => new(
        10, 0.01,
        new Dictionary<string, int>
        {
            ["kill -9"] = 20,
            ["database crash"] = 3,
            ["Redis stopped"] = 2,
            ["Redis emptied"] = 1,
            ["Redis hung"] = 1,
            ["broker wiped"] = 3,
            ["disk full"] = 1,
            ["clock step"] = 1,
        },
        new Dictionary<string, string>());

    /// <summary>The kept run as if it had burned for so long; the payments that it lacks are copies of one of nobody.</summary>
    private Evidence Burnt(FireRow fire)
    {
        var first = Evidence.Attempts.First(a => a.Provider == "stripe" && Evidence.Charges.Any(c => c.IdempotencyKey == a.Id));
        return Evidence with
        {
            Fire = fire,
            Payments = [.. Evidence.Payments, .. Enumerable.Range(0, 5_000 - Evidence.Payments.Count).Select(i => Evidence.Payments[0] with { Id = $"pay_{i}" })],
            Silences = [new SilenceRow("stripe", first.OpenedAt, first.OpenedAt.AddMinutes(1), first.OpenedAt.AddMinutes(2))],
        };
    }

    private Evidence WithoutEvent(EventRow lost) => Evidence with
    {
        Events = [.. Evidence.Events.Where(e => e.Id != lost.Id)],
        Received = [.. Evidence.Received.Where(r => r.Id != lost.Id)],
        Journals = [.. Evidence.Journals.Where(j => j.Event != lost.Id)],
        Lines = [.. Evidence.Lines.Where(l => l.Event != lost.Id)],
    };
}
