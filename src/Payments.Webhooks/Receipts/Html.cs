using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;

namespace Payments.Webhooks.Receipts;

/// <summary>HTML that is safe to send: made from literals that we wrote and values that are always encoded.</summary>
public readonly record struct Html(string Text)
{
    /// <summary>Encodes every value in the template; other <see cref="Html"/> goes in as it is.</summary>
    public static Html Of(Template template) => new(template.ToString());

    public static Html Join(IEnumerable<Html> parts) => new(string.Concat(parts.Select(p => p.Text)));

    /// <summary>An interpolated text whose holes are encoded, so that forgetting to is impossible.</summary>
    [InterpolatedStringHandler]
    public readonly struct Template(int literalLength, int formattedCount)
    {
        private readonly StringBuilder text = new(literalLength + (formattedCount * 24));

        public void AppendLiteral(string value) => text.Append(value);

        public void AppendFormatted(string? value) => text.Append(HtmlEncoder.Default.Encode(value ?? ""));

        public void AppendFormatted(Html value) => text.Append(value.Text);

        public override string ToString() => text.ToString();
    }
}
