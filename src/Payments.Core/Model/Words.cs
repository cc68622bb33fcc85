using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Payments.Core;

/// <summary>Enumerations as the API and the database spell them: snake_case.</summary>
public static class Words
{
    public static string Of<TEnum>(TEnum value)
        where TEnum : struct, Enum => Table<TEnum>.ToWord[value];

    /// <exception cref="ArgumentException">Not a word of this enumeration.</exception>
    public static TEnum Parse<TEnum>(string word)
        where TEnum : struct, Enum =>
        TryParse<TEnum>(word, out var value) ? value : throw new ArgumentException($"'{word}' is no {typeof(TEnum).Name}.", nameof(word));

    public static bool TryParse<TEnum>(string? word, out TEnum value)
        where TEnum : struct, Enum
    {
        value = default;
        return word is not null && Table<TEnum>.FromWord.TryGetValue(word, out value);
    }

    private static class Table<TEnum>
        where TEnum : struct, Enum
    {
        public static readonly Dictionary<TEnum, string> ToWord =
            Enum.GetValues<TEnum>().ToDictionary(v => v, v => NameOf(v.ToString()));

        public static readonly Dictionary<string, TEnum> FromWord = ToWord.ToDictionary(p => p.Value, p => p.Key, StringComparer.Ordinal);

        private static string NameOf(string member) =>
            typeof(TEnum).GetField(member)!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(member);
    }
}
