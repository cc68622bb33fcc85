using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Payments.Platform.Secrets;

/// <summary>
/// The keys under which a service's closings are signed, which its database never sees: <c>ClosingKey</c> in the service's section and,
/// for verifying what was signed before, <c>FormerClosingKeys:N</c>; base64 of 32 bytes each. Where no closing key is set, one is
/// derived from each of the product's encryption keys.
/// </summary>
public sealed class ClosingKeys
{
    private const string FormerEncryption = "Payments:Secrets:FormerEncryptionKeys";

    private readonly string setting;
    private readonly byte[] purpose;
    private readonly (string Id, byte[] Key)[] keys;

    /// <param name="section">Where the keys stand, such as <c>Payments:Ledger</c>.</param>
    /// <param name="whose">In a word: closings of one service are no closings of another.</param>
    /// <exception cref="InvalidOperationException">A key is not 32 bytes of base64.</exception>
    public ClosingKeys(IConfiguration configuration, string section, string whose)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        (setting, purpose) = (section + ":ClosingKey", Encoding.UTF8.GetBytes(whose + " closing|"));
        var own = new[] { setting }.Concat(configuration.GetSection(section + ":FormerClosingKeys").GetChildren().Select(c => c.Path)).Where(p => configuration[p] is { Length: > 0 });
        var shared = new[] { SecretKeys.Encryption }.Concat(configuration.GetSection(FormerEncryption).GetChildren().Select(c => c.Path)).Where(p => configuration[p] is { Length: > 0 });
        keys =
        [
            .. own.Select(path => SecretKeys.Read(configuration, path))
                .Concat(shared.Select(path => HKDF.DeriveKey(HashAlgorithmName.SHA256, SecretKeys.Read(configuration, path), 32, info: Encoding.UTF8.GetBytes($"payments {whose} closings"))))
                .Select(key => (Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 4)), key)),
        ];
    }

    /// <summary>False where there is no key: then nothing is closed.</summary>
    public bool Configured => keys.Length > 0;

    /// <exception cref="InvalidOperationException">There is no key.</exception>
    public (string KeyId, byte[] Signature) Sign(byte[] hash) =>
        Configured ? (keys[0].Id, Signature(keys[0].Key, hash)) : throw new InvalidOperationException($"'{setting}' must be set: closings are signed.");

    /// <summary>What is wrong with a signature; null where it holds.</summary>
    public string? Refute(string keyId, byte[] hash, byte[] signature) =>
        Array.Find(keys, k => k.Id == keyId).Key is not { } key ? $"It was signed with key {keyId}, which is not configured."
        : CryptographicOperations.FixedTimeEquals(Signature(key, hash), signature) ? null
        : "Its signature is not ours.";

    private byte[] Signature(byte[] key, byte[] hash) => HMACSHA256.HashData(key, (byte[])[.. purpose, .. hash]);
}
