using Payments.Chaos.Judging;
using Payments.Chaos.Load;
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

    [Theory]
    [InlineData("timeout_before")]
    [InlineData("timeout_after")]
    [InlineData("drop_before")]
    [InlineData("drop_after")]
    [InlineData("webhook_late")]
    [InlineData("webhook_duplicate")]
    [InlineData("webhook_reorder")]
    public void Ten_minutes_in_which_providers_misbehaved_too_seldom_are_found(string kind)
    {
        var burnt = Burnt(Enough with { ProviderFaults = new Dictionary<string, int>(Enough.ProviderFaults) { [kind] = 4 } });
        Assert.Equal($"4 strikes of {kind} at providers in 10 minutes prove nothing; at least 5 are demanded", Assert.Single(Verdict.Of(burnt), v => v.Rule == Rules.TooLittleFire).Detail);
    }

    // The load is the kept run's and as much again of each kind as is demanded, but for one.
    [Theory]
    [InlineData("capture", "captures")]
    [InlineData("void", "voids")]
    [InlineData("refund", "refunds")]
    [InlineData("misuse", "misuses of a key")]
    [InlineData("hang up", "clients that hung up")]
    [InlineData("at once", "requests sent several times at once")]
    public void Ten_minutes_in_which_clients_did_too_little_of_something_are_found(string kind, string what)
    {
        var burnt = Burnt(Enough);
        var told = burnt.Told.Where(t => !IsOf(kind, t)).ToArray();
        Assert.Contains($" {what} in 10 minutes", Assert.Single(Verdict.Of(burnt with { Told = told }), v => v.Rule == Rules.TooLittleFire).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_short_run_is_held_to_its_share_of_the_load()
    {
        var misused = Capture;
        var half = Evidence with { Fire = Enough with { Minutes = 0.5, PerSecond = 10 }, Told = [.. Evidence.Told.Where(t => !IsOf("misuse", t)), .. Enumerable.Range(0, 4).Select(_ => Misused(misused))] };
        Assert.Contains(Verdict.Of(half), v => v.Rule == Rules.TooLittleFire && v.Detail.StartsWith("4 misuses of a key in 0.5 minutes", StringComparison.Ordinal));
        Assert.DoesNotContain(Verdict.Of(half with { Fire = half.Fire! with { PerSecond = 8 } }), v => v.Rule == Rules.TooLittleFire && v.Detail.Contains("misuses", StringComparison.Ordinal));
    }

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
        new Dictionary<string, string>())
    {
        ProviderFaults = new Dictionary<string, int>
        {
            ["timeout_before"] = 5,
            ["timeout_after"] = 5,
            ["drop_before"] = 5,
            ["drop_after"] = 5,
            ["webhook_late"] = 5,
            ["webhook_duplicate"] = 5,
            ["webhook_reorder"] = 5,
        },
    };

    /// <summary>
    /// The kept run as if it had burned for so long; the payments that it lacks are copies of one of nobody, and so are requests, each
    /// answered as it may be.
    /// </summary>
    private Evidence Burnt(FireRow fire)
    {
        var first = Evidence.Attempts.First(a => a.Provider == "stripe" && Evidence.Charges.Any(c => c.IdempotencyKey == a.Id));
        return Evidence with
        {
            Fire = fire,
            Told =
            [
                .. Evidence.Told.Where(t => !Kinds.Any(kind => IsOf(kind, t))),
                .. Asked("capture", 500, t => t), .. Asked("void", 100, t => t), .. Asked("refund", 300, t => t),
                .. Asked("misuse", 100, t => Misused(t) with { Key = "misused" }),
                .. Asked("hang up", 100, t => t with { Status = null, Body = null, Lost = Client.HungUp }),
                .. Asked("at once", 100, t => t with { At = 0, Took = 10 }), .. Asked("at once", 100, t => t with { At = 9, Took = 1 }),
            ],
            Payments = [.. Evidence.Payments, .. Enumerable.Range(0, 5_000 - Evidence.Payments.Count).Select(i => Evidence.Payments[0] with { Id = $"pay_{i}" })],
            Silences = [new SilenceRow("stripe", first.OpenedAt, first.OpenedAt.AddMinutes(1), first.OpenedAt.AddMinutes(2))],
        };
    }

    private static readonly string[] Kinds = ["capture", "void", "refund", "misuse", "hang up", "at once"];

    private IEnumerable<Told> Asked(string kind, int times, Func<Told, Told> answered)
    {
        var operation = kind is "capture" or "void" or "refund" ? kind : "create";
        var example = Evidence.Told.First(t => t.Operation == operation && t.IsSuccess && t.Life > 0);
        return Enumerable.Range(0, times).Select(i => answered(example with { Key = $"{kind} {i}", At = i * 100_000L, Took = 1 }));
    }

    private static bool IsOf(string kind, Told told) => kind switch
    {
        "hang up" => told.Lost == Client.HungUp,
        "at once" => told.Key?.StartsWith(kind, StringComparison.Ordinal) == true,
        _ => told.Operation == kind,
    };

    private Evidence WithoutEvent(EventRow lost) => Evidence with
    {
        Events = [.. Evidence.Events.Where(e => e.Id != lost.Id)],
        Received = [.. Evidence.Received.Where(r => r.Id != lost.Id)],
        Journals = [.. Evidence.Journals.Where(j => j.Event != lost.Id)],
        Lines = [.. Evidence.Lines.Where(l => l.Event != lost.Id)],
    };
}
