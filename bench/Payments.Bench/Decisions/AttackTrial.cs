using Payments.Core;
using Payments.Core.Seams;
using Payments.TrafficGenerator;

namespace Payments.Bench.Decisions;

/// <summary>How an attack and the traffic around it are tried.</summary>
/// <param name="Before">Traffic before the attack, so that counters and habits are those of a running service.</param>
internal sealed record AttackPlan(int Attempts = 5_000, int Addresses = 20, double PaymentsPerDay = 40_000, int Hours = 5, double Before = 2, double Lasts = 1, int Seed = 1)
{
    /// <summary>Traffic ends before now: what the service keeps by its own clock is younger than a month.</summary>
    public TrafficOptions Options(DateTimeOffset now) => new(Seed, Midnight(now).AddDays(-2), PaymentsPerDay, Customers: 200_000) { Shares = FraudShares.None };

    public PlannedAttack Attack(TrafficOptions options) => new(FraudKind.CardTesting, StartOf(options).AddHours(Before), TimeSpan.FromHours(Lasts), Attempts, Addresses);

    /// <summary>The day's busy hours.</summary>
    public static DateTimeOffset StartOf(TrafficOptions options) => options.Begins.AddHours(15);

    private static DateTimeOffset Midnight(DateTimeOffset now) => new(now.UtcDateTime.Date, TimeSpan.Zero);
}

/// <summary>
/// A card testing among honest traffic, decided by the fraud service itself, each attempt at the time of the stream; and the same honest
/// traffic without the attack, so that what the attack costs honest customers can be told from what rules cost them every day.
/// </summary>
internal static class AttackTrial
{
    private const int AtOnce = 32;

    public static async Task<AttackTable> RunAsync(AttackPlan plan, Func<Task<RigServers>> servers, DateTimeOffset now, TextWriter progress, CancellationToken cancellationToken)
    {
        var calm = plan.Options(now);
        progress.WriteLine("honest traffic alone ...");
        var without = await DecideAsync(plan, calm, await servers(), cancellationToken);
        progress.WriteLine("the same with the attack ...");
        var with = await DecideAsync(plan, calm with { Planned = [plan.Attack(calm)] }, await servers(), cancellationToken);
        return AttackTable.Of(with, without);
    }

    private static async Task<List<Decided>> DecideAsync(AttackPlan plan, TrafficOptions options, RigServers servers, CancellationToken cancellationToken)
    {
        await using var rig = await FraudRig.StartAsync(servers, streamed: true, null, cancellationToken);
        var questions = new Questions(new IdSource(TimeProvider.System));
        var (begins, ends) = (AttackPlan.StartOf(options), AttackPlan.StartOf(options).AddHours(plan.Hours));
        var all = new List<Decided>();
        foreach (var chunk in TrafficFlow.Payments(options).SkipWhile(p => p.At < begins).TakeWhile(p => p.At < ends).Chunk(AtOnce))
        {
            var asked = chunk.Select(p => (Payment: p, Request: questions.Of(p))).ToArray();
            var decisions = await Task.WhenAll(asked.Select(a => rig.DecideAsync(a.Request, a.Payment.At, cancellationToken)));
            var decided = asked.Zip(decisions, (a, d) => (a.Payment, a.Request, Decision: d)).ToArray();
            all.AddRange(decided.Select(d => new Decided(d.Payment, d.Decision)));
            await rig.TellAsync([.. decided.Where(d => Reached(d.Payment, d.Decision)).Select(d => questions.Outcome(d.Payment, d.Request, d.Decision))], cancellationToken);
        }

        return all;
    }

    /// <summary>Whether the issuer was asked: not where it was rejected, nor where the challenge was not passed.</summary>
    private static bool Reached(TrafficPayment payment, FraudDecision decision) =>
        decision.Verdict != FraudVerdict.Reject && (decision.Verdict != FraudVerdict.Challenge || payment.PassesChallenge);
}

internal sealed record Decided(TrafficPayment Payment, FraudDecision Decision);
