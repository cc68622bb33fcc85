using System.Buffers.Binary;
using Payments.Core.Seams;
using Payments.Fraud.Features;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Live;

/// <summary>A request as the features see it.</summary>
internal static class RequestFacts
{
    private const long LargestAmount = 1_000_000_000_000;

    /// <param name="keys">Keyed hashes of the parties; the features count with half of each.</param>
    /// <param name="ipCountry">ISO 3166 alpha-2 of the IP address, null if unknown.</param>
    public static PaymentFact Of(FraudRequest request, EntityKeys keys, string? ipCountry, DateTimeOffset at) =>
        new(Half(keys.Card), MerchantKey(keys.Merchant), at.ToUnixTimeSeconds(), (long)Math.Min(RiskAmounts.InUsCents(request.AmountMinor, request.Currency), LargestAmount))
        {
            Customer = Half(keys.Customer),
            Ip = Half(keys.Ip),
            Device = Half(keys.Device),
            Email = Half(keys.Email),
            Told = Told.Of(request, ipCountry, at),
        };

    public static long MerchantKey(Guid merchant) => Half(merchant);

    /// <summary>The second half, which is random also in ids that begin with a time; 0 only for what is absent.</summary>
    private static long Half(Guid? key)
    {
        if (key is not { } present)
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[16];
        present.TryWriteBytes(bytes, bigEndian: true, out _);
        var number = BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
        return number == 0 ? 1 : number;
    }
}
