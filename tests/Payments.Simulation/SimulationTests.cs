using System.Collections.Concurrent;
using System.Globalization;
using Payments.Core;
using Payments.Simulation.Histories;
using Payments.Simulation.Oracle;
using Payments.Simulation.Shell;
using Payments.Simulation.World;

namespace Payments.Simulation;

/// <summary>docs/TESTING.md says how to choose the seed and the number of histories, and how to look at one of them.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int HistoriesOfARun = 100_000;

    [Fact]
    public void Whatever_happens_to_payments_every_promise_is_kept()
    {
        if (Setting("REPLAY") is { } replay)
        {
            Replay(replay);
            return;
        }

        var seed = int.Parse(Setting("SEED") ?? "1", CultureInfo.InvariantCulture);
        var count = int.Parse(Setting("HISTORIES") ?? HistoriesOfARun.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var began = TimeProvider.System.GetTimestamp();
        var reached = new ConcurrentDictionary<string, int>();
        var broken = Search.First(seed, count, Rules.Right, reached);
        output.WriteLine($"{count} histories of seed {seed} in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:F1} s");
        output.WriteLine($"histories in which each came about: {string.Join(", ", reached.OrderByDescending(r => r.Value).Select(r => $"{r.Key} {r.Value}"))}");
        Assert.True(broken is null, broken is null ? "" : Report(broken, Rules.Right));

        // Promises that were never put to the test were not kept either.
        if (count >= HistoriesOfARun)
        {
            Assert.All(MustComeAbout, what => Assert.True(reached.GetValueOrDefault(what) > 0, $"{what} came about in none of {count} histories"));
        }
    }

    private static IEnumerable<string> MustComeAbout =>
    [
        .. Enum.GetValues<ResolvingStep>().Select(Faults.NameOf), .. Enum.GetValues<CallFault>().Select(Faults.NameOf), .. Enum.GetValues<CommitFault>().Select(Faults.NameOf),
        .. Enum.GetValues<NoticeFault>().Select(Faults.NameOf), .. Enum.GetValues<Victim>().Select(Faults.NameOf), Faults.UnansweredReading, Faults.LostMessage,
    ];

    [Fact]
    public void A_seed_and_a_number_give_the_same_history_and_the_same_run_every_time_on_any_thread()
    {
        var alone = Enumerable.Range(0, 50).Select(number => Story(Search.Generated(7, number))).ToArray();
        var together = new string[alone.Length];
        Parallel.For(0, alone.Length, number => together[number] = Story(Search.Generated(7, number)));
        Assert.Equal(alone, together);
    }

    /// <summary>Changes only when the generator does: the number of a history that was reported elsewhere means the same here.</summary>
    [Fact]
    public void A_seed_and_a_number_give_the_same_history_on_every_machine()
    {
        var histories = string.Join('\n', Enumerable.Range(0, 200).Select(number => Search.Generated(7, number)));
        Assert.Equal("0e74712a2fd3a6e7", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(histories)))[..16]);
    }

    internal static string Report(Broken broken, Rules rules) =>
        $"""
        {string.Join("\n", broken.Violations)}

        History {broken.Number} of seed {broken.Seed} (PAYMENTS_SIMULATION_REPLAY={broken.Seed}/{broken.Number}), shrunk from {broken.Original.Moments.Count} moments to {broken.Shrunk.Moments.Count}:
        {broken.Shrunk}

        What happened:
        {Story(broken.Shrunk, rules)}
        """;

    private void Replay(string replay)
    {
        var (seed, number) = replay.Split('/') is [var s, var n] ? (int.Parse(s, CultureInfo.InvariantCulture), int.Parse(n, CultureInfo.InvariantCulture)) : (1, int.Parse(replay, CultureInfo.InvariantCulture));
        var history = Search.Generated(seed, number);
        output.WriteLine($"{history}\n\n{Story(history)}");
        var violations = Search.Violations(history, Rules.Right);
        Assert.True(violations.Count == 0, violations.Count == 0 ? "" : Report(Search.Shrunk(seed, number, Rules.Right), Rules.Right));
    }

    private static string Story(History history, Rules? rules = null)
    {
        var lines = new List<string>();
        var run = new Run(history, rules ?? Rules.Right, lines.Add);
        lines.Add("In the end:");
        lines.AddRange(run.Charges.Select(c => $"  {c}"));
        lines.AddRange(run.Database.Payments.Values.Select(p => $"  {p.Id} is {p.Status}, version {p.Version}: {p.Amounts}"));
        lines.AddRange(run.Database.Log.Select(r => $"  event {r.Sequence} of partition {r.Partition}: {r.Event.Type}, version {r.Event.Version}, {r.Event.Data.Operation?.Kind} of {r.Event.Data.Operation?.AmountMinor}"));
        lines.AddRange(run.Database.Incidents.Select(i => $"  incident {i.Incident.Kind}: {i.Incident.Detail}"));
        lines.AddRange(Judge.Violations(run).Select(v => $"  broken: {v}"));
        return string.Join("\n", lines);
    }

    private static string? Setting(string name) => Environment.GetEnvironmentVariable($"PAYMENTS_SIMULATION_{name}") is { Length: > 0 } value ? value : null;
}
