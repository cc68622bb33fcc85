namespace Payments.Bench;

/// <summary>One figure of a scenario.</summary>
/// <param name="AtMost">What it must not exceed, null where nothing is promised.</param>
internal sealed record Figure(string Name, double Value, string Unit, double? AtMost = null)
{
    public bool Kept => AtMost is not { } limit || Value <= limit;
}

/// <summary>Something that can be measured by name.</summary>
/// <param name="Run">Returns the figures; progress goes to the writer.</param>
internal sealed record Scenario(string Name, string Description, Func<TextWriter, CancellationToken, IReadOnlyList<Figure>> Run);
