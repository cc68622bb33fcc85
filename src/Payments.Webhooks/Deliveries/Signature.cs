using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Payments.Webhooks.Deliveries;

/// <summary>Standard Webhooks: HMAC-SHA256 over <c>id.timestamp.body</c>, keyed with the decoded part of the secret.</summary>
public static class Signature
{
    public const string SecretPrefix = "whsec_";

    /// <summary>Length of the keys that we make; the specification wants 24 to 64 bytes.</summary>
    public const int KeyBytes = 32;

    public static string NewSecret() => SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>The value of <c>webhook-signature</c>: one signature per secret, space-separated while one replaces another.</summary>
    public static string Header(string id, long unixSeconds, ReadOnlySpan<byte> body, IEnumerable<string> secrets)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        var head = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{unixSeconds}."));
        var content = new byte[head.Length + body.Length];
        head.CopyTo(content, 0);
        body.CopyTo(content.AsSpan(head.Length));
        return string.Join(' ', secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(KeyOf(secret), content))));
    }

    private static byte[] KeyOf(string secret) => secret.StartsWith(SecretPrefix, StringComparison.Ordinal)
        ? Convert.FromBase64String(secret[SecretPrefix.Length..])
        : throw new ArgumentException($"A webhook secret begins with {SecretPrefix}.", nameof(secret));
}
