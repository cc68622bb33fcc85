using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Secrets;

namespace Payments.Vault.Cards;

/// <summary>
/// The same for the same card, and nothing without the key: HMAC-SHA256. Test and live differ, so that the two never meet. The key
/// also serves other fingerprints, whose texts begin otherwise.
/// </summary>
internal sealed class CardFingerprint(byte[] key)
{
    public static CardFingerprint From(IConfiguration configuration) => new(SecretKeys.Read(configuration, SecretKeys.Fingerprint));

    /// <summary>Of a bank account: its number means nothing without its bank's.</summary>
    public string OfAccount(Mode mode, string routing, string account) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes($"bank-account-fingerprint/{ModeNames.Of(mode)}/{routing}/{account}")));

    public string Of(Mode mode, string number) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes($"card-fingerprint/{ModeNames.Of(mode)}/{number}")));
}
