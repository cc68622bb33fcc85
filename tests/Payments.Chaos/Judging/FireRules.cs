using System.Globalization;
using Payments.Chaos.Faults;
using Payments.Chaos.Load;

namespace Payments.Chaos.Judging;

/// <summary>
/// Silence of the rules proves nothing where nothing burned: a run has to have made so many payments, asked for so much and made so many
/// faults. Ten minutes and more are held to the whole table, less to its share; a run without a payment proves nothing however short it was.
/// </summary>
internal static class FireRules
{
    private const double Whole = 10;

    /// <summary>From this length on the plan has a silent provider.</summary>
    private static readonly TimeSpan Silenced = FaultPlan.LeastForSilence;

    /// <summary>What ten minutes must have seen; kinds in one row count together.</summary>
    private static readonly (string What, int Least, string[] Kinds)[] Table =
    [
        ("kills -9", 20, [FaultKinds.Kill]),
        ("database crashes", 3, [FaultKinds.DatabaseCrash]),
        ("losses of Redis", 3, [FaultKinds.RedisStop, FaultKinds.RedisFlush]),
        ("wipes of the broker", 3, [FaultKinds.BrokerWipe]),
        ("hangs of Redis", 1, [FaultKinds.RedisPause]),
        ("full disks", 1, [FaultKinds.DiskFull]),
        ("clock steps", 1, [FaultKinds.ClockStep]),
    ];

    /// <summary>What providers must have done to calls and webhooks in ten minutes.</summary>
    private static readonly (string Kind, int Least)[] ByProviders =
    [
        (ProviderFaults.TimeoutBefore, 5), (ProviderFaults.TimeoutAfter, 5), (ProviderFaults.DropBefore, 5), (ProviderFaults.DropAfter, 5),
        (ProviderFaults.WebhookLate, 5), (ProviderFaults.WebhookDuplicate, 5), (ProviderFaults.WebhookReorder, 5),
    ];

    /// <summary>What clients must have done in ten minutes; in shorter runs fewer at a slower pace.</summary>
    private static readonly (string What, int Least, Func<IReadOnlyList<Told>, int> Count)[] ByClients =
    [
        ("captures", 500, told => Done(told, "capture")),
        ("voids", 100, told => Done(told, "void")),
        ("refunds", 300, told => Done(told, "refund")),
        ("misuses of a key", 100, told => told.Count(t => t.Operation == "misuse" && t.Status is not null)),
        ("clients that hung up", 100, told => told.Count(t => t.Lost == Client.HungUp)),
        ("requests sent several times at once", 100, SentAtOnce),
    ];

    private const double Pace = 10;
    private const int LeastPayments = 5_000;

    public static IEnumerable<Violation> Judge(Evidence evidence)
    {
        if (evidence.Fire is not { } fire)
        {
            yield break; // Nobody set fire: a tour of kill points, a benchmark.
        }

        var payments = fire.Minutes < Whole ? 1 : LeastPayments;
        if (evidence.Payments.Count < payments)
        {
            yield return TooLittle(evidence.Payments.Count, payments, "payments", fire);
        }

        foreach (var (what, least, kinds) in Table.Where(row => !row.Kinds.All(fire.LeftOut.ContainsKey)))
        {
            var demanded = Share(least, fire);
            var made = kinds.Sum(kind => fire.Faults.GetValueOrDefault(kind));
            if (made < demanded)
            {
                yield return TooLittle(made, demanded, what, fire);
            }
        }

        foreach (var (kind, least) in ByProviders)
        {
            if (fire.ProviderFaults.GetValueOrDefault(kind) is var struck && struck < Share(least, fire))
            {
                yield return TooLittle(struck, Share(least, fire), $"strikes of {kind} at providers", fire);
            }
        }

        var pace = fire.Minutes < Whole ? Math.Min(1, fire.PerSecond / Pace) : 1;
        var asked = evidence.Told.Where(t => t.Life > 0).ToArray();
        foreach (var (what, least, count) in ByClients)
        {
            if (count(asked) is var done && done < Share(least * pace, fire))
            {
                yield return TooLittle(done, Share(least * pace, fire), what, fire);
            }
        }

        if (TimeSpan.FromMinutes(fire.Minutes) >= Silenced && evidence.Silences.Count == 0)
        {
            yield return TooLittle(0, 1, "silences of a provider", fire);
        }
    }

    private static int Share(double least, FireRow fire) => (int)Math.Floor(least * Math.Min(1, fire.Minutes / Whole));

    /// <summary>Requests that were granted, however often they were sent.</summary>
    private static int Done(IReadOnlyList<Told> told, string operation) =>
        told.Where(t => t.Operation == operation && t.IsSuccess).Select(t => (t.Merchant, t.Key)).Distinct().Count();

    /// <summary>Keys under which a copy was sent while the one before it was still unanswered.</summary>
    private static int SentAtOnce(IReadOnlyList<Told> told) => told.Where(t => t.Key is not null && t.Operation != "misuse").GroupBy(t => (t.Merchant, t.Key)).Count(copies =>
    {
        var inOrder = copies.OrderBy(t => t.At).ToArray();
        return inOrder.Zip(inOrder.Skip(1)).Any(next => next.Second.At < next.First.At + next.First.Took);
    });

    private static Violation TooLittle(int made, int least, string what, FireRow fire) =>
        new(Rules.TooLittleFire, null, string.Create(CultureInfo.InvariantCulture, $"{made} {what} in {fire.Minutes:0.##} minutes prove nothing; at least {least} are demanded"));
}
