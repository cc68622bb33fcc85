using System.Globalization;
using System.Text.Json;
using Payments.AllInOne;
using Payments.Bench;
using Payments.Bench.Load;
using Payments.Bench.Outage;

var settings = new LoadSettings();
Scenario[] scenarios = [.. LoadScenarios.Of(settings), FraudModelScenario.Fraud, AttackScenario.Attack, OutageScenario.Outage, ReconciliationScenario.Reconciliation];
string usage = $"""
    Usage: ./bench.sh [SCENARIO|all]... [OPTION]...

    Measures and compares with what is promised; without a name, everything. The exit code is 1 if a promise was not kept, 3 if something has no figures.

      {string.Join("\n  ", scenarios.Select(s => $"{s.Name,-25} {s.Description}"))}

      --json FILE         also writes the figures as JSON
      --slice SECONDS     how long each slice of load and of the baseline is (default {settings.SliceSeconds})
      --slices N          how many there are of each; medians are shown (default {settings.Slices})
      --warm-up SECONDS   before anything is measured (default {settings.WarmUpSeconds})
      --connections LIST  of the closed loop (default {string.Join(',', settings.Connections)})
      --minutes N         of the soak (default {settings.Minutes})
      --payments N        that growth fills the tables with (default {settings.Payments})
      --rate R            payments a second of soak and latency (default {settings.PerSecond})
      --profile           under load, shows which statements PostgreSQL's time goes to
      --help              this text
    """;

var names = new List<string>();
string? json = null;
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--help" or "-h":
            Console.WriteLine(usage);
            return 0;
        case "--json" when i + 1 < args.Length:
            json = args[++i];
            break;
        case "--profile":
            settings.Profile = true;
            break;
        case "all":
            names.AddRange(scenarios.Select(s => s.Name));
            break;
        case var option when i + 1 < args.Length && LoadScenarios.TrySet(settings, option, args[i + 1]):
            i++;
            break;
        case var name when scenarios.Any(s => s.Name == name):
            names.Add(name);
            break;
        default:
            Console.Error.WriteLine($"Unknown: {args[i]}; see --help");
            return 2;
    }
}

using var signals = new StopSignals();
var results = new List<(Scenario Scenario, IReadOnlyList<Figure> Figures)>();
var failed = new List<string>();
foreach (var scenario in scenarios.Where(s => names.Count == 0 || names.Contains(s.Name)))
{
    Console.Error.WriteLine($"{scenario.Name}: {scenario.Description}");
    try
    {
        results.Add((scenario, scenario.Run(Console.Error, signals.Token)));
    }
    catch (InvalidOperationException e)
    {
        // The others mean what they mean all the same.
        Console.Error.WriteLine(e.Message);
        failed.Add($"{scenario.Name,-25} no figures: {e.Message}");
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("Stopped.");
        return 130;
    }
}

foreach (var (scenario, figures) in results)
{
    foreach (var figure in figures)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{scenario.Name,-25} {figure.Name,-36} {figure.Value,12:F3} {figure.Unit,-15} {figure.Verdict()}").TrimEnd());
    }
}

Console.WriteLine();
foreach (var line in Targets.Table(results.Select(r => (r.Scenario.Name, r.Figures))).Concat(failed))
{
    Console.WriteLine(line.TrimEnd());
}

if (json is not null)
{
    var document = results.Select(r => new { scenario = r.Scenario.Name, figures = r.Figures.Select(f => new { name = f.Name, value = f.Value, unit = f.Unit, at_most = f.AtMost, at_least = f.AtLeast, floor = f.Floor, kept = f.Kept, floor_kept = f.FloorKept }) });
    File.WriteAllBytes(json, JsonSerializer.SerializeToUtf8Bytes(document));
}

return failed.Count > 0 ? 3 : results.All(r => r.Figures.All(f => f.Kept)) ? 0 : 1;
