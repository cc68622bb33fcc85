using System.Globalization;
using Payments.Chaos.Faults;

namespace Payments.Chaos.Judging;

/// <summary>
/// Silence of the rules proves nothing where nothing burned: a run has to have made so many payments and so many faults. Ten minutes and
/// more are held to the whole table, less to its share; a run without a payment proves nothing however short it was.
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
            var demanded = (int)Math.Floor(least * Math.Min(1, fire.Minutes / Whole));
            var made = kinds.Sum(kind => fire.Faults.GetValueOrDefault(kind));
            if (made < demanded)
            {
                yield return TooLittle(made, demanded, what, fire);
            }
        }

        if (TimeSpan.FromMinutes(fire.Minutes) >= Silenced && evidence.Silences.Count == 0)
        {
            yield return TooLittle(0, 1, "silences of a provider", fire);
        }
    }

    private static Violation TooLittle(int made, int least, string what, FireRow fire) =>
        new(Rules.TooLittleFire, null, string.Create(CultureInfo.InvariantCulture, $"{made} {what} in {fire.Minutes:0.##} minutes prove nothing; at least {least} are demanded"));
}
