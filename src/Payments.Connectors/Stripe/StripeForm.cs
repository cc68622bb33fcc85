using System.Globalization;
using System.Text;

namespace Payments.Connectors.Stripe;

/// <summary>Form-encoded parameters, in the order in which they were added, so that a repeated request has the same bytes.</summary>
internal sealed class StripeForm
{
    private readonly StringBuilder text = new();

    public StripeForm Add(string name, string? value)
    {
        if (value is null)
        {
            return this;
        }

        if (text.Length > 0)
        {
            text.Append('&');
        }

        text.Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
        return this;
    }

    public StripeForm Add(string name, long value) => Add(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>As a query string or as the content of a request.</summary>
    public override string ToString() => text.ToString();

    public byte[] ToBytes() => Encoding.ASCII.GetBytes(ToString());
}
