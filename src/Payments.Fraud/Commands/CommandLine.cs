using System.Globalization;

namespace Payments.Fraud.Commands;

/// <summary>A mistake in how a command was called; told without a stack trace.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>Options of the form <c>--name value</c>, each at most once.</summary>
internal sealed class CommandLine
{
    private readonly Dictionary<string, string> options = new(StringComparer.Ordinal);

    public CommandLine(IReadOnlyList<string> arguments, params string[] known)
    {
        for (var i = 0; i < arguments.Count; i += 2)
        {
            var name = arguments[i];
            if (!known.Contains(name))
            {
                throw new UsageException($"Unknown option {name}. Known: {string.Join(", ", known)}.");
            }

            if (i + 1 == arguments.Count || !options.TryAdd(name, arguments[i + 1]))
            {
                throw new UsageException(i + 1 == arguments.Count ? $"{name} needs a value." : $"{name} was given twice.");
            }
        }
    }

    public string? Text(string name) => options.GetValueOrDefault(name);

    public string Required(string name) => Text(name) ?? throw new UsageException($"{name} is required.");

    public string ExistingFile(string name) =>
        Required(name) is var path && File.Exists(path) ? path : throw new UsageException($"{name}: there is no file {path}.");

    public long Number(string name, long otherwise, long least, long most) =>
        Text(name) is not { } text ? otherwise
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw new UsageException($"{name} must be a number from {least} to {most}, not {text}.");

    public DateOnly? Date(string name) =>
        Text(name) is not { } text ? null
        : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date
        : throw new UsageException($"{name} must be a date like 2018-08-08, not {text}.");
}
