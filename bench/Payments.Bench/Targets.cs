using System.Globalization;

namespace Payments.Bench;

/// <summary>Everything that is promised beside what was measured, as lines of a table.</summary>
internal static class Targets
{
    public static IEnumerable<string> Table(IEnumerable<(string Scenario, IReadOnlyList<Figure> Figures)> results)
    {
        yield return Row("scenario", "what", "target", "floor", "measured", "");
        foreach (var (scenario, figure) in results.SelectMany(r => r.Figures.Where(f => f.AtMost is not null || f.AtLeast is not null).Select(f => (r.Scenario, f))))
        {
            yield return Row(
                scenario,
                figure.Name,
                figure.AtMost is { } most ? "≤ " + Text(most) : "≥ " + Text(figure.AtLeast!.Value),
                figure.Floor is { } floor ? Text(floor) : "",
                Text(figure.Value),
                figure.Kept ? "kept" : figure.FloorKept ? "missed, floor kept" : "missed");
        }
    }

    private static string Row(string scenario, string what, string target, string floor, string measured, string verdict) =>
        $"{scenario,-25} {what,-44} {target,10} {floor,8} {measured,12}  {verdict}";

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
