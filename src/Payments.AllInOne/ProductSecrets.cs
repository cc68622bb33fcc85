using System.Security.Cryptography;
using System.Text.Json;
using Payments.AllInOne.Embedded;

namespace Payments.AllInOne;

/// <summary>
/// Every secret of one installation, made once and kept in <c>secrets.json</c>, which only its owner can read. Keys stay the
/// same over restarts, so that what was printed at the first start is true for ever.
/// </summary>
public sealed record ProductSecrets
{
    private const string KeyAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public string PostgresPassword { get; init; } = Text(32);

    public string RedisPassword { get; init; } = Text(32);

    public string InternalKey { get; init; } = Text(43);

    public string OperatorKey { get; init; } = "ok_" + Text(43);

    /// <summary>The demo merchant's keys.</summary>
    public string SecretKey { get; init; } = "sk_test_" + Text(43);

    public string PublishableKey { get; init; } = "pk_test_" + Text(43);

    public string EncryptionKey { get; init; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    public string FingerprintKey { get; init; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>What we and the simulated providers know each other by.</summary>
    public string StripeApiKey { get; init; } = "sk_test_" + Text(43);

    public string StripeWebhookSecret { get; init; } = "whsec_" + Text(32);

    public string AdyenApiKey { get; init; } = "AQE" + Text(43);

    public string AdyenHmacKey { get; init; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));

    /// <summary>Of the user who may read Adyen's reports and nothing else.</summary>
    public string AdyenReportPassword { get; init; } = Text(32);

    public static async Task<ProductSecrets> LoadAsync(string directory, CancellationToken cancellationToken)
    {
        var file = Path.Combine(directory, "secrets.json");
        if (File.Exists(file))
        {
            await using var stream = File.OpenRead(file);
            return await JsonSerializer.DeserializeAsync<ProductSecrets>(stream, Format, cancellationToken)
                ?? throw new InvalidOperationException($"{file} is empty; restore it, for what is encrypted with it is lost otherwise.");
        }

        var made = new ProductSecrets();
        await PrivatePath.WriteAsync(file, JsonSerializer.Serialize(made, Format), cancellationToken);
        return made;
    }

    private static string Text(int length) => RandomNumberGenerator.GetString(KeyAlphabet, length);
}
