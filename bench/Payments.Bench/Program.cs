using System.Globalization;
using System.Text.Json;
using Payments.Bench;

Scenario[] scenarios = [FraudModelScenario.Fraud, AttackScenario.Attack, ReconciliationScenario.Reconciliation];
string usage = $"""
    Usage: ./bench.sh [SCENARIO]... [--json FILE]

    Measures and compares with what is promised; without a name, everything. The exit code is 1 if a promise was not kept.

      {string.Join("\n  ", scenarios.Select(s => $"{s.Name,-10} {s.Description}"))}

      --json FILE  also writes the figures as JSON
      --help       this text
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
        case var name when scenarios.Any(s => s.Name == name):
            names.Add(name);
            break;
        default:
            Console.Error.WriteLine($"Unknown: {args[i]}; see --help");
            return 2;
    }
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

var results = new List<(Scenario Scenario, IReadOnlyList<Figure> Figures)>();
try
{
    foreach (var scenario in scenarios.Where(s => names.Count == 0 || names.Contains(s.Name)))
    {
        Console.Error.WriteLine($"{scenario.Name}: {scenario.Description}");
        results.Add((scenario, scenario.Run(Console.Error, stop.Token)));
    }
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}

foreach (var (scenario, figures) in results)
{
    foreach (var figure in figures)
    {
        var promise = figure.AtMost is { } limit ? $"at most {limit.ToString("0.##", CultureInfo.InvariantCulture)}: {(figure.Kept ? "kept" : "NOT KEPT")}" : string.Empty;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{scenario.Name,-10} {figure.Name,-24} {figure.Value,12:F2} {figure.Unit,-15} {promise}").TrimEnd());
    }
}

if (json is not null)
{
    var document = results.Select(r => new { scenario = r.Scenario.Name, figures = r.Figures.Select(f => new { name = f.Name, value = f.Value, unit = f.Unit, at_most = f.AtMost, kept = f.Kept }) });
    File.WriteAllBytes(json, JsonSerializer.SerializeToUtf8Bytes(document));
}

return results.All(r => r.Figures.All(f => f.Kept)) ? 0 : 1;
