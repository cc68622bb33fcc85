using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;

namespace Payments.Simulators.Stripe;

/// <summary>
/// A request's parameters under their bracketed names (<c>metadata[order]</c>, <c>expand[0]</c>), from the query or a form body.
/// An empty value unsets.
/// </summary>
public sealed class StripeParameters
{
    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);
    private readonly List<(string Name, string Value)> all = [];

    public static StripeParameters Parse(string encoded)
    {
        var parameters = new StripeParameters();
        foreach (var (name, value) in QueryHelpers.ParseNullableQuery(encoded) ?? [])
        {
            foreach (var one in value)
            {
                parameters.values[name] = one ?? "";
                parameters.all.Add((name, one ?? ""));
            }
        }

        return parameters;
    }

    /// <summary>The value, or null when absent or empty.</summary>
    public string? Text(string name) => values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    public bool Has(string name) => values.ContainsKey(name) || all.Any(v => v.Name.StartsWith(name + "[", StringComparison.Ordinal));

    public bool Flag(string name) => Text(name) is "true" or "1";

    public long? Number(string name) =>
        long.TryParse(Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A value is there, but it is no whole number.</summary>
    public bool IsBadNumber(string name) => Text(name) is not null && Number(name) is null;

    /// <summary><c>name[]</c>, <c>name[0]</c>, <c>name[1]</c>…</summary>
    public IReadOnlyList<string> List(string name) =>
        [.. all.Where(v => v.Name.StartsWith(name + "[", StringComparison.Ordinal) && v.Value.Length > 0).Select(v => v.Value)];

    /// <summary><c>name[key]=value</c> pairs, laid over what was there; an empty value removes.</summary>
    public IReadOnlyDictionary<string, string> Map(string name, IReadOnlyDictionary<string, string>? over = null)
    {
        var map = over is null ? [] : new Dictionary<string, string>(over);
        if (values.TryGetValue(name, out var whole) && whole.Length == 0)
        {
            map.Clear();
        }

        foreach (var (key, value) in all)
        {
            if (key.Length < name.Length + 3 || !key.StartsWith(name + "[", StringComparison.Ordinal) || key[^1] != ']')
            {
                continue;
            }

            var inner = key[(name.Length + 1)..^1];
            if (value.Length == 0)
            {
                map.Remove(inner);
            }
            else
            {
                map[inner] = value;
            }
        }

        return map;
    }

    /// <summary>The first parameter whose root is not among those that the endpoint knows.</summary>
    public string? Unknown(ReadOnlySpan<string> known)
    {
        foreach (var (name, _) in all)
        {
            var bracket = name.IndexOf('[', StringComparison.Ordinal);
            var root = bracket < 0 ? name : name[..bracket];
            if (!known.Contains(root) && root != "expand")
            {
                return root;
            }
        }

        return null;
    }
}
