using System.Collections.Concurrent;
using Payments.Platform.Redis;

namespace Payments.Platform.Http;

/// <summary>
/// Remembers signatures for as long as their timestamps are accepted: in Redis for all replicas, and always in this process too, so
/// that without Redis a replay must find another replica, where the Idempotency-Key that the signature covers makes it harmless.
/// </summary>
public sealed class SignatureMemory(RedisLink redis, TimeProvider time)
{
    // A timestamp may lie ahead by the window and stays acceptable for as long behind.
    private static readonly TimeSpan Lifetime = 2 * RequestSignature.Window + TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, long> seen = new(StringComparer.Ordinal);
    private long lastSweep = time.GetTimestamp();

    public async ValueTask<bool> IsFirstUseAsync(string signature, CancellationToken cancellationToken)
    {
        Sweep();
        if (!seen.TryAdd(signature, time.GetTimestamp()))
        {
            return false;
        }

        var reply = await redis.TryAsync(
            database => database.StringSetAsync("sig:" + signature, "1", Lifetime, StackExchange.Redis.When.NotExists), cancellationToken);
        return !reply.Answered || reply.Value;
    }

    private void Sweep()
    {
        var last = Volatile.Read(ref lastSweep);
        if (time.GetElapsedTime(last) < TimeSpan.FromSeconds(30) || Interlocked.CompareExchange(ref lastSweep, time.GetTimestamp(), last) != last)
        {
            return;
        }

        foreach (var (signature, at) in seen)
        {
            if (time.GetElapsedTime(at) > Lifetime)
            {
                seen.TryRemove(signature, out _);
            }
        }
    }
}
