using System.Globalization;

namespace Payments.TrafficGenerator;

/// <summary>Options of the form <c>--name value</c>, each at most once. What is wrong with them is an <see cref="ArgumentException"/>.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> given = new(StringComparer.Ordinal);

    public Arguments(IReadOnlyList<string> arguments, IReadOnlyList<string> known)
    {
        for (var i = 0; i < arguments.Count; i += 2)
        {
            if (!known.Contains(arguments[i]))
            {
                throw new ArgumentException($"Unknown option {arguments[i]}; see --help");
            }

            if (i + 1 == arguments.Count || !given.TryAdd(arguments[i], arguments[i + 1]))
            {
                throw new ArgumentException($"{arguments[i]} needs one value.");
            }
        }
    }

    public string? Text(string name) => given.GetValueOrDefault(name);

    public string Required(string name) => Text(name) ?? throw new ArgumentException($"{name} is required.");

    public long Number(string name, long otherwise, long least, long most) =>
        Text(name) is not { } text ? otherwise
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw new ArgumentException($"{name} must be a number from {least} to {most}, not {text}.");

    public double Fraction(string name, double otherwise, double least, double most) =>
        Text(name) is not { } text ? otherwise
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw new ArgumentException($"{name} must be a number from {least} to {most}, not {text}.");

    /// <summary>A member of an enumeration by its name in lower case, words joined by hyphens.</summary>
    public T Choice<T>(string name, T otherwise)
        where T : struct, Enum =>
        Text(name) is not { } text ? otherwise
        : Enum.GetValues<T>().Select(v => (Value: v, Name: System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(v.ToString()))) is var choices
            && choices.FirstOrDefault(c => c.Name == text) is { Name: not null } chosen ? chosen.Value
        : throw new ArgumentException($"{name} must be one of {string.Join(", ", choices.Select(c => c.Name))}, not {text}.");
}
