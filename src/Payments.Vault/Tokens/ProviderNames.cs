using Payments.Core;

namespace Payments.Vault.Tokens;

/// <summary>Providers as this database spells them.</summary>
internal static class ProviderNames
{
    public static string Of(Provider provider) => provider switch
    {
        Provider.Stripe => "stripe",
        Provider.Adyen => "adyen",
        _ => throw new ArgumentOutOfRangeException(nameof(provider)),
    };

    public static Provider Parse(string name) => name switch
    {
        "stripe" => Provider.Stripe,
        "adyen" => Provider.Adyen,
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };
}
