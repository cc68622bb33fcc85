using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Payments.Platform.Secrets;

/// <summary>Keys that come from configuration, and the texts that callers show.</summary>
public static class SecretKeys
{
    public const string Encryption = "Payments:Secrets:EncryptionKey";
    public const string Fingerprint = "Payments:Secrets:FingerprintKey";

    private const int Bytes = 32;

    /// <exception cref="InvalidOperationException">The key is missing or not 32 bytes of base64.</exception>
    public static byte[] Read(IConfiguration configuration, string name)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var key = new byte[Bytes];
        return Convert.TryFromBase64String(configuration[name] ?? "", key, out var written) && written == Bytes
            ? key
            : throw new InvalidOperationException($"'{name}' must be set to the base64 of {Bytes} random bytes.");
    }

    /// <summary>A new key of 32 random bytes behind <paramref name="prefix"/>, in base64url.</summary>
    public static string New(string prefix) =>
        prefix + System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>How keys rest in the database: a key has 256 random bits, so a plain hash cannot be searched.</summary>
    public static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
