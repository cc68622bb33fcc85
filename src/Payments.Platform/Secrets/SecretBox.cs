using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Payments.Platform.Secrets;

/// <summary>
/// Seals secrets that must be read back (webhook and request signing secrets): AES-256-GCM, the text naming the key that sealed it,
/// so that a new key can take over while old texts still open. Keys come from <c>Payments:Secrets:EncryptionKey</c> and, for
/// opening only, <c>Payments:Secrets:FormerEncryptionKeys:N</c>; base64, 32 bytes each.
/// </summary>
public sealed class SecretBox
{
    private const string Version = "v1";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly (string Id, byte[] Key)[] keys;

    /// <param name="current">Seals and opens; 32 bytes.</param>
    /// <param name="former">Open only.</param>
    public SecretBox(byte[] current, params byte[][] former)
    {
        ArgumentNullException.ThrowIfNull(current);
        ArgumentNullException.ThrowIfNull(former);
        keys = [.. former.Prepend(current).Select(key => (IdOf(key), key))];
    }

    /// <exception cref="InvalidOperationException">The key is missing or not 32 bytes of base64.</exception>
    public static SecretBox From(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return new SecretBox(
            SecretKeys.Read(configuration, SecretKeys.Encryption),
            [.. configuration.GetSection("Payments:Secrets:FormerEncryptionKeys").GetChildren().Select(c => SecretKeys.Read(configuration, c.Path))]);
    }

    /// <param name="purpose">Bound to the text: what was sealed for one purpose does not open for another (name the row, too).</param>
    public string Seal(string secret, string purpose)
    {
        ArgumentNullException.ThrowIfNull(secret);
        var (id, key) = keys[0];
        var plain = Encoding.UTF8.GetBytes(secret);
        var box = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(box.AsSpan(0, NonceBytes), plain, box.AsSpan(NonceBytes, plain.Length), box.AsSpan(NonceBytes + plain.Length), Encoding.UTF8.GetBytes(purpose));
        CryptographicOperations.ZeroMemory(plain);
        return $"{Version}.{id}.{Convert.ToBase64String(box)}";
    }

    /// <exception cref="CryptographicException">The text was changed, sealed for another purpose, or by a key that is not configured.</exception>
    public string Open(string sealedText, string purpose)
    {
        ArgumentNullException.ThrowIfNull(sealedText);
        if (sealedText.Split('.') is not [Version, var id, var text] || Array.Find(keys, k => k.Id == id).Key is not { } key)
        {
            throw new CryptographicException("The secret was sealed by a key that is not configured.");
        }

        var box = Convert.FromBase64String(text);
        var plain = new byte[box.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(box.AsSpan(0, NonceBytes), box.AsSpan(NonceBytes, plain.Length), box.AsSpan(NonceBytes + plain.Length), plain, Encoding.UTF8.GetBytes(purpose));
        return Encoding.UTF8.GetString(plain);
    }

    private static string IdOf(byte[] key) => Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 4));
}
