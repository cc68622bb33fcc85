using System.Text;
using System.Text.RegularExpressions;

namespace Payments.Webhooks.Deliveries;

/// <summary>What the delivery log keeps of a receiver's answer: its first KiB as text that is safe to store and to show.</summary>
public static partial class ResponseExcerpt
{
    public const int MaxBytes = 1024;

    /// <summary>Invalid UTF-8 and control characters become U+FFFD and blanks; anything that could be a card number is masked.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, MaxBytes)]));
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i]) && text[i] is not '\n' and not '\t')
            {
                text[i] = ' ';
            }
        }

        return LongNumber().Replace(text.ToString(), "[number]");
    }

    /// <summary>12 to 19 digits, grouped by blanks or dashes or not.</summary>
    [GeneratedRegex(@"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")]
    private static partial Regex LongNumber();
}
