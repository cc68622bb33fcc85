using Payments.Chaos;
using Payments.Chaos.Judging;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>What a run says to a person, on the kept evidence: one line tells the verdict, the exit code tells the same, and what was broken is shown.</summary>
public sealed class ReportTests(KeptEvidence kept) : IClassFixture<KeptEvidence>, IDisposable
{
    private const int Seed = 4711;
    private readonly string directory = Directory.CreateTempSubdirectory("payments-report-").FullName;
    private readonly List<string> said = [];

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task A_run_that_kept_every_promise_is_told_as_ok_by_its_last_line_and_exit_code_0()
    {
        Assert.Equal(0, await ReportAsync(kept.Evidence));

        Assert.Equal($"VERDICT ok seed {Seed}: {kept.Evidence.Payments.Count} payments, {kept.Evidence.Fire!.Faults.Values.Sum()} faults; evidence in {directory}", OnlyVerdict());
        Assert.Empty(Directory.GetFiles(directory));
    }

    [Fact]
    public async Task A_broken_promise_is_told_by_its_rule_with_the_seed_the_history_of_the_payment_and_exit_code_1()
    {
        var harmed = kept.Evidence.Payments.First(p => p.Captured > 0);
        var tampered = kept.Evidence with { Payments = [.. kept.Evidence.Payments.Select(p => p.Id == harmed.Id ? p with { Captured = p.Captured - 1 } : p)] };

        Assert.Equal(1, await ReportAsync(tampered));

        Assert.StartsWith($"VERDICT VIOLATION seed {Seed}: ", OnlyVerdict(), StringComparison.Ordinal);
        Assert.Contains(Rules.AmountsDiffer, OnlyVerdict(), StringComparison.Ordinal);
        Assert.Contains(said, line => line.StartsWith($"  {Rules.AmountsDiffer} {harmed.Id}: captured in the books", StringComparison.Ordinal));
        var history = Assert.Single(said, line => line.StartsWith($"history of {harmed.Id}{Environment.NewLine}", StringComparison.Ordinal));
        Assert.All(
            ["what clients were told", "payments database", "ledger", "providers' books", "webhooks received", kept.Evidence.Charges.First(c => c.Payment == harmed.Id).Id],
            view => Assert.Contains(view, history, StringComparison.Ordinal));
        Assert.Equal(Verdict.Of(tampered).Select(v => v.ToString()), await File.ReadAllLinesAsync(Path.Combine(directory, "violations.txt"), TestContext.Current.CancellationToken));
        Assert.Contains($"history of {harmed.Id}", await File.ReadAllTextAsync(Path.Combine(directory, "histories.txt"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_broke_nothing_and_proved_nothing_is_no_success_and_exit_code_4()
    {
        var cold = kept.Evidence with { Fire = kept.Evidence.Fire! with { Minutes = 10, Faults = new Dictionary<string, int>() } };

        Assert.Equal(4, await ReportAsync(cold));

        Assert.StartsWith($"VERDICT VIOLATION seed {Seed}: ", OnlyVerdict(), StringComparison.Ordinal);
        Assert.Contains($"({Rules.TooLittleFire} ", OnlyVerdict(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_machine_could_not_do_stands_in_the_verdict()
    {
        await ReportAsync(kept.Evidence with { Fire = kept.Evidence.Fire! with { LeftOut = new Dictionary<string, string> { ["disk full"] = "nothing may be mounted here" } } });

        Assert.Contains("; LEFT OUT: disk full (nothing may be mounted here)", OnlyVerdict(), StringComparison.Ordinal);
    }

    private Task<int> ReportAsync(Evidence evidence) => Report.WriteAsync(
        new ChaosOptions { Evidence = directory, Seed = Seed, Tell = said.Add }, evidence, Verdict.Of(evidence), null, TestContext.Current.CancellationToken);

    /// <summary>The last thing said, and the only one of its kind.</summary>
    private string OnlyVerdict()
    {
        var verdict = Assert.Single(said.SelectMany(text => text.Split(Environment.NewLine)), line => line.Contains("VERDICT", StringComparison.Ordinal));
        Assert.Equal(said[^1], verdict);
        return verdict;
    }
}
