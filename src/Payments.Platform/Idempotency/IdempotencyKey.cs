using System.Text;
using Microsoft.AspNetCore.Http;
using Payments.Platform.Http;

namespace Payments.Platform.Idempotency;

/// <summary>The <c>Idempotency-Key</c> header, bare or as a quoted string (IETF draft): both spell the same key.</summary>
public static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";
    public const int Longest = 255;

    public static Read<string> Read(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var values = context.Request.Headers[Header];
        if (values.Count == 0)
        {
            return Problems.IdempotencyKeyMissing;
        }

        return values.Count == 1 && Parse(values[0]!) is { } key ? key : Problems.IdempotencyKeyInvalid;
    }

    /// <summary>Null for a text that is no key.</summary>
    internal static string? Parse(string header)
    {
        var text = header.Trim();
        if (text.StartsWith('"'))
        {
            if (Unquote(text) is not { } inner)
            {
                return null;
            }

            text = inner;
        }

        return text.Length is > 0 and <= Longest && text.All(c => c is >= ' ' and <= '~') ? text : null;
    }

    // RFC 9651 strings: a backslash stands only before a quote or a backslash.
    private static string? Unquote(string quoted)
    {
        if (quoted.Length < 2 || !quoted.EndsWith('"'))
        {
            return null;
        }

        var text = new StringBuilder(quoted.Length);
        for (var i = 1; i < quoted.Length - 1; i++)
        {
            var character = quoted[i];
            if (character == '"')
            {
                return null;
            }

            if (character == '\\')
            {
                i++;
                if (i == quoted.Length - 1 || quoted[i] is not ('"' or '\\'))
                {
                    return null;
                }

                character = quoted[i];
            }

            text.Append(character);
        }

        return text.ToString();
    }
}
