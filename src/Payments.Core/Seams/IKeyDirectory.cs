namespace Payments.Core.Seams;

/// <summary>Looks API keys up for services that keep none (the vault). Only hashes cross this seam.</summary>
public interface IKeyDirectory
{
    /// <summary>Null for a key that does not exist or was revoked.</summary>
    /// <param name="sha256Hex">Lower-case hex of SHA-256 over the whole key text.</param>
    Task<KeyIdentity?> FindAsync(string sha256Hex, CancellationToken cancellationToken);
}

/// <summary>Who a key speaks for.</summary>
/// <param name="MerchantActive">False while the merchant is suspended: reads answer, nothing is created.</param>
public sealed record KeyIdentity(ApiKeyId KeyId, MerchantId MerchantId, Mode Mode, KeyClass Class, bool MerchantActive);

/// <summary>Publishable keys may only make tokens; secret keys do everything else; operator keys belong to no merchant.</summary>
public enum KeyClass
{
    Secret,
    Publishable,
}
