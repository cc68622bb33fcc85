using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>Checks that several endpoints share.</summary>
public static class AdyenChecks
{
    public static Answer? MerchantAccount(string? given, string known) => given switch
    {
        null => AdyenError.Of(403, "901", "Invalid Merchant Account", "security"),
        _ => given == known ? null : AdyenError.Of(403, "901", "Invalid Merchant Account", "security"),
    };

    public static Answer? Amount(AdyenRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!request.Has("amount") || request.Text("amount.value") is null)
        {
            return AdyenError.Validation("100", "No amount specified");
        }

        if (request.Number("amount.value") is not >= 0)
        {
            return AdyenError.Validation("137", "Invalid amount specified");
        }

        return request.Text("amount.currency") is { Length: 3 } currency && currency.All(char.IsAsciiLetterUpper)
            ? null
            : AdyenError.Validation("138", "Unsupported currency specified");
    }
}
