using Microsoft.Extensions.Configuration;

namespace Payments.Connectors.Wire;

internal static class AccountReading
{
    /// <exception cref="InvalidOperationException">A provider is half configured: a start that fails is better than a charge that does.</exception>
    public static string Required(this IConfigurationSection section, string key) =>
        section[key] is { Length: > 0 } value ? value : throw new InvalidOperationException($"{section.Path}:ApiKey is set, so {section.Path}:{key} must be too.");

    /// <summary>An absolute http(s) URL that ends with a slash, so that relative paths keep its own path.</summary>
    public static Uri BaseUrl(this IConfigurationSection section, string? byDefault)
    {
        var text = (section["BaseUrl"] is { Length: > 0 } value ? value : byDefault ?? section.Required("BaseUrl")).TrimEnd('/') + "/";
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new InvalidOperationException($"{section.Path}:BaseUrl is not an absolute http or https URL.");
    }
}
