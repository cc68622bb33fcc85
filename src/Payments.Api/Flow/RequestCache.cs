using System.Buffers.Binary;
using Payments.Core;
using Payments.Platform.Redis;
using StackExchange.Redis;

namespace Payments.Api.Flow;

/// <summary>
/// The fast path of idempotency: final answers, which never change, kept in Redis for as long as the database keeps them. What is not
/// found here is asked of the database, so Redis may forget anything at any time.
/// </summary>
public sealed class RequestCache(RedisLink redis)
{
    private const int FingerprintBytes = 32;

    // Less than the database's 24 hours, counted from the final answer like those.
    private static readonly TimeSpan Kept = TimeSpan.FromHours(23);

    public async Task<CachedAnswer?> FindAsync(MerchantId merchant, Mode mode, RequestKey key, CancellationToken cancellationToken)
    {
        var reply = await redis.TryAsync(database => database.StringGetAsync(NameOf(merchant, mode, key)), cancellationToken);
        return reply.Answered && (byte[]?)reply.Value is { Length: > FingerprintBytes + sizeof(int) } found
            ? new CachedAnswer(found[..FingerprintBytes], BinaryPrimitives.ReadInt32BigEndian(found.AsSpan(FingerprintBytes)), found[(FingerprintBytes + sizeof(int))..])
            : null;
    }

    /// <param name="age">Since the answer became final.</param>
    public async Task RememberAsync(MerchantId merchant, Mode mode, RequestKey key, CachedAnswer answer, TimeSpan age, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (age >= Kept)
        {
            return;
        }

        Invariant.Holds(answer.Fingerprint.Length == FingerprintBytes, "a fingerprint has 32 bytes");
        var value = new byte[FingerprintBytes + sizeof(int) + answer.Body.Length];
        answer.Fingerprint.CopyTo(value, 0);
        BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(FingerprintBytes), answer.Status);
        answer.Body.CopyTo(value, FingerprintBytes + sizeof(int));
        await redis.TryAsync(database => database.StringSetAsync(NameOf(merchant, mode, key), value, Kept - age), cancellationToken);
    }

    private static RedisKey NameOf(MerchantId merchant, Mode mode, RequestKey key) => $"payments:answer:{merchant}:{Words.Of(mode)}:{Words.Of(key.Class)}:{key.Text}";
}

public sealed record CachedAnswer(byte[] Fingerprint, int Status, byte[] Body);
