using System.Globalization;

namespace Payments.Bench;

/// <summary>One figure of a scenario.</summary>
/// <param name="AtMost">What it must not exceed, null where nothing is promised.</param>
internal sealed record Figure(string Name, double Value, string Unit, double? AtMost = null)
{
    /// <summary>What it must reach.</summary>
    public double? AtLeast { get; init; }

    /// <summary>What would still do, where the promise is not kept.</summary>
    public double? Floor { get; init; }

    public bool Kept => Holds(AtMost, AtLeast);

    public bool FloorKept => Kept || (Floor is { } floor && (AtMost is null ? Value >= floor : Value <= floor));

    /// <summary>The promise and what became of it, in words; empty where there is none.</summary>
    public string Verdict()
    {
        var (word, limit) = AtMost is { } most ? ("at most", most) : AtLeast is { } least ? ("at least", least) : ("", double.NaN);
        if (word.Length == 0)
        {
            return string.Empty;
        }

        var missed = Kept ? "kept" : string.Create(CultureInfo.InvariantCulture, $"NOT KEPT, by {Math.Abs((Value - limit) / (limit == 0 ? 1 : limit)):P0}");
        var floor = Kept || Floor is not { } some ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"; floor {some:0.##} {(FloorKept ? "kept" : "NOT KEPT")}");
        return string.Create(CultureInfo.InvariantCulture, $"{word} {limit:0.##}: {missed}{floor}");
    }

    private bool Holds(double? most, double? least) => (most is not { } upper || Value <= upper) && (least is not { } lower || Value >= lower);
}

/// <summary>Something that can be measured by name.</summary>
/// <param name="Run">Returns the figures; progress goes to the writer.</param>
internal sealed record Scenario(string Name, string Description, Func<TextWriter, CancellationToken, IReadOnlyList<Figure>> Run);
