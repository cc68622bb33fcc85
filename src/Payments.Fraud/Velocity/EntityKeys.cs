using System.Security.Cryptography;
using System.Text;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Secrets;

namespace Payments.Fraud.Velocity;

/// <summary>
/// Who takes part in a payment, as keyed hashes: counters, decisions and lists hold these, never an address or an e-mail. Sixteen bytes
/// of HMAC-SHA256 each, carried as <see cref="Guid"/> because that is what the database has for sixteen bytes.
/// </summary>
/// <param name="Attempt">Of the request: equal for retries and races of one.</param>
/// <param name="Customer">Within the merchant, whose name for the customer it is.</param>
internal sealed record EntityKeys(Guid Attempt, Guid Merchant, Guid Card, Guid? Customer, Guid? Ip, Guid? Device, Guid? Email, Guid? EmailDomain);

/// <summary>Makes <see cref="EntityKeys"/> with the platform's fingerprint key.</summary>
internal sealed class EntityHash(byte[] key)
{
    public static EntityHash From(IConfiguration configuration) => new(SecretKeys.Read(configuration, SecretKeys.Fingerprint));

    /// <param name="kind">Keeps equal texts of different kinds apart.</param>
    public Guid Of(string kind, string text)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"payments/fraud/{kind}/{text}"), hash);
        return new Guid(hash[..16], bigEndian: true);
    }

    public Guid Card(string fingerprint) => Of("card", fingerprint);

    public Guid Customer(Guid merchant, string reference) => Of("customer", $"{merchant:N}/{reference}");

    public Guid Ip(string address) => Of("ip", address);

    public Guid Email(string address) => Of("email", address);

    public Guid EmailDomain(string domain) => Of("email_domain", domain);

    public EntityKeys Of(FraudRequest request)
    {
        var context = request.Context;
        return new EntityKeys(
            Of("attempt", $"{ModeNames.Of(request.Mode)}/{request.RequestHash ?? request.PaymentId.ToString()}"),
            request.MerchantId.Value,
            Card(request.CardFingerprint),
            request.CustomerReference is { } customer ? Customer(request.MerchantId.Value, customer) : null,
            context?.Ip is { } ip ? Ip(ip) : null,
            context?.DeviceId is { } device ? Of("device", device) : null,
            context?.Email is { } email ? Email(email) : null,
            context?.Email is { } address && DomainOf(address) is { } domain ? EmailDomain(domain) : null);
    }

    private static string? DomainOf(string email) => email.LastIndexOf('@') is var at and > 0 && at < email.Length - 1 ? email[(at + 1)..] : null;
}
