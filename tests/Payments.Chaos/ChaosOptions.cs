using System.Globalization;

namespace Payments.Chaos;

/// <summary>What was asked for on the command line.</summary>
public sealed record ChaosOptions
{
    public const string Usage = """
        Usage: ./chaos.sh [OPTION]...

        Runs every service as a separate process on real servers, sends a seeded load at them, kills, empties, fills, delays and misleads
        everything by a seeded plan, lets the product come to rest, compares five independent views of every payment, and reconciles the
        books with the providers' reports and the bank's statements. The last line is "VERDICT ok …" or "VERDICT VIOLATION …".

          --minutes N      how long the load and the faults go on (default 10; fractions allowed)
          --seed S         of the load and the faults (default 1)
          --rate R         payments begun per second (default 10)
          --evidence DIR   where logs, journals and evidence are kept (default artifacts/chaos/seed-S)
          --judge FILE     judges the evidence.json of an earlier run again and does nothing else
          --kill-points    instead of a load: kills a service at every named step of every operation, one after the other (no other option)
          --planted NAME   builds a copy with a known bug of tests/Payments.Chaos/planted and expects a violation; "all" takes each.
                           One that only a death between two commits shows is sent on the tour of kill points by itself
          --help           this text
        """;

    public double Minutes { get; init; } = 10;

    public int Seed { get; init; } = 1;

    public double PerSecond { get; init; } = 10;

    public required string Evidence { get; init; }

    /// <summary>How long everything may take to come to rest.</summary>
    public TimeSpan Settling { get; init; } = TimeSpan.FromMinutes(6);

    /// <summary>How long reports, statements, comparing, booking and closing may take together.</summary>
    public TimeSpan Reconciling { get; init; } = TimeSpan.FromMinutes(5);

    public TimeSpan Challenge { get; init; } = TimeSpan.FromSeconds(15);

    public int MostUnderWay { get; init; } = 250;

    public string? Judge { get; init; }

    public Action<string> Tell { get; init; } = Console.WriteLine;

    /// <exception cref="ArgumentException">What is wrong with it.</exception>
    public static ChaosOptions Parse(string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var options = new ChaosOptions { Evidence = "" };
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var name = arguments[i];
            var value = i + 1 < arguments.Length ? arguments[i + 1] : throw new ArgumentException($"{name} needs a value.");
            options = name switch
            {
                "--minutes" => options with { Minutes = Number(name, value, 0.1, 1440) },
                "--seed" => options with { Seed = (int)Number(name, value, 0, int.MaxValue) },
                "--rate" => options with { PerSecond = Number(name, value, 0.1, 1000) },
                "--evidence" => options with { Evidence = Path.GetFullPath(value) },
                "--judge" => options with { Judge = Path.GetFullPath(value) },
                _ => throw new ArgumentException($"Unknown option {name}."),
            };
        }

        return options.Evidence.Length > 0 ? options : options with { Evidence = Path.GetFullPath(string.Create(CultureInfo.InvariantCulture, $"artifacts/chaos/seed-{options.Seed}")) };
    }

    private static double Number(string name, string text, double least, double most) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new ArgumentException($"{name} needs a number from {least} to {most}, not '{text}'.");
}
