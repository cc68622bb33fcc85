using Payments.Core;

namespace Payments.Platform.Idempotency;

/// <summary>By which name two services know one person without either telling the other who it is.</summary>
public static class PersonHashes
{
    /// <param name="email">In lower case.</param>
    public static byte[]? Email(RequestFingerprint hashes, MerchantId merchant, Mode mode, string? email)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        return email is null ? null : hashes.OfWords("person.email", merchant.ToString(), Words.Of(mode), email);
    }
}
