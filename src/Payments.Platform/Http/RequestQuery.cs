using System.Globalization;
using Microsoft.AspNetCore.Http;
using Payments.Core;

namespace Payments.Platform.Http;

/// <summary>
/// Reads query parameters strictly. Ask for each parameter, then for <see cref="Problem"/>: it is the first thing wrong, also a
/// parameter that nobody asked for.
/// </summary>
public sealed class RequestQuery
{
    public const int DefaultLimit = 20;
    public const int LargestLimit = 100;

    private readonly IQueryCollection query;
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);
    private Problem? problem;

    public RequestQuery(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        query = context.Request.Query;
    }

    /// <summary>What is wrong with the query; null if nothing is.</summary>
    public Problem? Problem =>
        query.Keys.FirstOrDefault(k => !asked.Contains(k)) is { } unknown ? Problems.UnknownParameter(Shown(unknown)) : problem;

    /// <summary><c>limit</c>: 1 to 100, 20 by default.</summary>
    public int Limit() => (int)(Number("limit", 1, LargestLimit) ?? DefaultLimit);

    /// <summary><c>cursor</c> of a list ordered by id.</summary>
    public Guid? CursorId() => Parse("cursor", "A cursor as an earlier page gave it is expected.", static (string text, out Guid id) => Cursor.TryRead(text, out id));

    /// <summary><c>cursor</c> of a list ordered by number.</summary>
    public long? CursorNumber() => Parse("cursor", "A cursor as an earlier page gave it is expected.", static (string text, out long number) => Cursor.TryRead(text, out number));

    public long? Number(string name, long least, long most) =>
        Parse(name, $"A whole number from {least} to {most} is expected.", (string text, out long number) =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) && number >= least && number <= most);

    /// <summary>A time as RFC 3339 with offset, or unix seconds.</summary>
    public DateTimeOffset? Instant(string name) =>
        Parse(name, "A time as RFC 3339 (2026-01-31T12:00:00Z) or unix seconds is expected.", static (string text, out DateTimeOffset time) =>
        {
            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 253402300799)
            {
                time = DateTimeOffset.FromUnixTimeSeconds(seconds);
                return true;
            }

            return DateTimeOffset.TryParseExact(text, InstantFormats, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out time);
        });

    public TId? Id<TId>(string name)
        where TId : struct, IId<TId> =>
        Parse(name, $"An id beginning '{TId.Prefix}_' is expected.", static (string text, out TId id) => Core.Id.TryParse(text, out id));

    /// <summary>A value of an enumeration in snake_case.</summary>
    public TEnum? Choice<TEnum>(string name)
        where TEnum : struct, Enum =>
        Parse(name, $"One of these is expected: {string.Join(", ", Names<TEnum>.All.Keys)}.", static (string text, out TEnum value) => Names<TEnum>.All.TryGetValue(text, out value));

    public bool? Flag(string name) =>
        Parse(name, "true or false is expected.", static (string text, out bool value) => (value = text == "true") || text == "false");

    /// <summary>An ISO 4217 code in upper case.</summary>
    public string? Currency(string name)
    {
        var code = Single(name);
        if (code is null || Core.Currency.TryFind(code, out _))
        {
            return code;
        }

        problem ??= Problems.InvalidParameter(name, $"One of these is expected: {string.Join(", ", Core.Currency.All)}.");
        return null;
    }

    /// <summary>One of these words.</summary>
    public string? Word(string name, IEnumerable<string> words)
    {
        var word = Single(name);
        if (word is null || words.Contains(word, StringComparer.Ordinal))
        {
            return word;
        }

        problem ??= Problems.InvalidParameter(name, $"One of these is expected: {string.Join(", ", words)}.");
        return null;
    }

    /// <summary>A text of 1 to <paramref name="longest"/> characters.</summary>
    public string? Text(string name, int longest)
    {
        var text = Single(name);
        if (text is not null && (text.Length == 0 || text.Length > longest || text.Contains('\0', StringComparison.Ordinal)))
        {
            problem ??= Problems.InvalidParameter(name, $"A text of 1 to {longest} characters is expected.");
            return null;
        }

        return text;
    }

    private delegate bool TryParse<T>(string text, out T value);

    private static readonly string[] InstantFormats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd"];

    private T? Parse<T>(string name, string expected, TryParse<T> parse)
        where T : struct
    {
        if (Single(name) is not { } text)
        {
            return null;
        }

        if (parse(text, out var value))
        {
            return value;
        }

        problem ??= Problems.InvalidParameter(name, expected);
        return null;
    }

    private string? Single(string name)
    {
        asked.Add(name);
        if (!query.TryGetValue(name, out var values))
        {
            return null;
        }

        if (values.Count == 1)
        {
            return values[0] ?? "";
        }

        problem ??= Problems.DuplicateParameter(name);
        return null;
    }

    private static string Shown(string name) => name.Length switch { 0 => "query", <= 100 => name, _ => name[..100] };

    private static class Names<TEnum>
        where TEnum : struct, Enum
    {
        public static readonly Dictionary<string, TEnum> All =
            Enum.GetValues<TEnum>().ToDictionary(v => Words.Of(v), StringComparer.Ordinal);
    }
}
