using System.Security.Cryptography;
using System.Text;
using Payments.Platform.Secrets;

namespace Payments.Ledger.Closing;

/// <summary>
/// The keys under which closings are signed, which the database never sees: <c>Payments:Ledger:ClosingKey</c> and, for verifying
/// what was signed before, <c>Payments:Ledger:FormerClosingKeys:N</c>; base64 of 32 bytes each. Where no closing key is set, one is
/// derived from each of the product's encryption keys.
/// </summary>
public sealed class ClosingKeys
{
    private const string Current = "Payments:Ledger:ClosingKey";
    private const string Former = "Payments:Ledger:FormerClosingKeys";
    private const string FormerEncryption = "Payments:Secrets:FormerEncryptionKeys";

    private readonly (string Id, byte[] Key)[] keys;

    /// <exception cref="InvalidOperationException">A key is not 32 bytes of base64.</exception>
    public ClosingKeys(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var own = new[] { Current }.Concat(configuration.GetSection(Former).GetChildren().Select(c => c.Path)).Where(p => configuration[p] is { Length: > 0 });
        var shared = new[] { SecretKeys.Encryption }.Concat(configuration.GetSection(FormerEncryption).GetChildren().Select(c => c.Path)).Where(p => configuration[p] is { Length: > 0 });
        keys =
        [
            .. own.Select(path => SecretKeys.Read(configuration, path))
                .Concat(shared.Select(path => HKDF.DeriveKey(HashAlgorithmName.SHA256, SecretKeys.Read(configuration, path), 32, info: "payments ledger closings"u8.ToArray())))
                .Select(key => (Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 4)), key)),
        ];
    }

    /// <summary>False where there is no key: then no month is closed.</summary>
    public bool Configured => keys.Length > 0;

    /// <exception cref="InvalidOperationException">There is no key.</exception>
    public (string KeyId, byte[] Signature) Sign(byte[] hash) =>
        Configured ? (keys[0].Id, Signature(keys[0].Key, hash)) : throw new InvalidOperationException($"'{Current}' must be set to close a month.");

    /// <summary>What is wrong with a signature; null where it holds.</summary>
    public string? Refute(string keyId, byte[] hash, byte[] signature) =>
        Array.Find(keys, k => k.Id == keyId).Key is not { } key ? $"It was signed with key {keyId}, which is not configured."
        : CryptographicOperations.FixedTimeEquals(Signature(key, hash), signature) ? null
        : "Its signature is not ours.";

    private static byte[] Signature(byte[] key, byte[] hash) => HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes("ledger closing|"), .. hash]);
}
