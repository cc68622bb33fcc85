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
/// <param name="Signing">Present where requests of this key are, or may be, signed.</param>
/// <param name="Scopes">What a secret key is restricted to; null means everything.</param>
/// <param name="RequestsPerSecond">The merchant's own rate limit; null means the default of the key's class.</param>
public sealed record KeyIdentity(
    ApiKeyId KeyId,
    MerchantId MerchantId,
    Mode Mode,
    KeyClass Class,
    bool MerchantActive,
    KeySigning? Signing = null,
    IReadOnlyList<string>? Scopes = null,
    int? RequestsPerSecond = null);

/// <summary>How requests of a key are signed.</summary>
/// <param name="SealedSecret">The secret as the secret box sealed it: it crosses this seam and rests in the database only so.</param>
/// <param name="Required">Unsigned requests are refused.</param>
public sealed record KeySigning(string SealedSecret, bool Required);

/// <summary>Publishable keys may only make tokens; secret keys do everything else; operator keys belong to no merchant.</summary>
public enum KeyClass
{
    Secret,
    Publishable,
}
