using System.Security.Cryptography;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Idempotency;
using Payments.Platform.Secrets;

namespace Payments.Api.Privacy;

/// <summary>What a merchant told of the customer of one payment.</summary>
/// <param name="CustomerReference">The merchant's own name of its customer.</param>
public sealed record Told(string? CustomerReference, RiskContext? Context)
{
    public bool IsNothing => CustomerReference is null && Context is null;

    /// <summary>Never prints personal data.</summary>
    public override string ToString() => "Told";
}

/// <summary>As it rests: unreadable without its data key, and findable by keyed hashes alone.</summary>
/// <param name="DataKey">The payment's own key, sealed: without it nothing opens <paramref name="Sealed"/> any more, in no copy.</param>
public sealed record SealedTold(string Sealed, string DataKey, byte[]? Customer, byte[]? Email, byte[]? Ip, byte[]? Device);

/// <summary>Seals and opens personal data under a key of each payment's own, and names people by keyed hashes within a merchant and mode.</summary>
public sealed class PersonalData(SecretBox box, RequestFingerprint hashes)
{
    private const int KeyBytes = 32;

    public SealedTold Seal(PaymentId payment, MerchantId merchant, Mode mode, Told told)
    {
        ArgumentNullException.ThrowIfNull(told);
        var key = RandomNumberGenerator.GetBytes(KeyBytes);
        return new SealedTold(
            new SecretBox(key).Seal(JsonSerializer.Serialize(told, Json.Options), PurposeOf(payment)),
            box.Seal(Convert.ToBase64String(key), PurposeOf(payment)),
            CustomerOf(merchant, mode, told.CustomerReference), EmailOf(merchant, mode, told.Context?.Email),
            Hash("ip", merchant, mode, told.Context?.Ip), Hash("device", merchant, mode, told.Context?.DeviceId));
    }

    public Told Open(PaymentId payment, string sealedText, string dataKey) =>
        JsonSerializer.Deserialize<Told>(new SecretBox(Convert.FromBase64String(box.Open(dataKey, PurposeOf(payment)))).Open(sealedText, PurposeOf(payment)), Json.Options)!;

    public byte[]? CustomerOf(MerchantId merchant, Mode mode, string? reference) => Hash("customer", merchant, mode, reference);

    /// <param name="email">In lower case.</param>
    public byte[]? EmailOf(MerchantId merchant, Mode mode, string? email) => PersonHashes.Email(hashes, merchant, mode, email);

    private byte[]? Hash(string kind, MerchantId merchant, Mode mode, string? value) => value is null ? null : hashes.OfWords("person." + kind, merchant.ToString(), Words.Of(mode), value);

    private static string PurposeOf(PaymentId payment) => $"risk_context:{payment}";
}
