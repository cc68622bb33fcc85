using System.Globalization;
using System.Threading.RateLimiting;
using Payments.Platform.Postgres;
using Payments.Platform.Redis;
using StackExchange.Redis;

namespace Payments.Platform.Http;

/// <summary>
/// A token bucket whose level lives in Redis, so that all replicas share it: one script, one round trip, Redis' clock. Requests that come
/// while it is asked are asked for together afterwards, in their order. While Redis does not answer, each replica counts for itself.
/// </summary>
internal sealed class SharedTokenBucket : RateLimiter
{
    // The level is computed when it is asked for; a key that nobody asks for expires once its bucket would be full.
    private const string TakeTokens = """
        local now = redis.call('TIME')
        now = now[1] * 1000 + math.floor(now[2] / 1000)
        local per_second, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
        local state = redis.call('HMGET', KEYS[1], 'level', 'at')
        local level, at = tonumber(state[1] or burst), tonumber(state[2] or now)
        level = math.min(burst, level + math.max(0, now - at) * per_second / 1000)
        local waits = {}
        for i = 3, #ARGV do
          local wanted = tonumber(ARGV[i])
          if level >= wanted then
            level = level - wanted
            waits[i - 2] = 0
          else
            waits[i - 2] = math.ceil((wanted - level) * 1000 / per_second)
          end
        end
        redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', now)
        redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / per_second) + 1000)
        return waits
        """;

    private readonly RedisLink redis;
    private readonly TimeProvider time;
    private readonly RedisKey[] key;
    private readonly RedisValue perSecond;
    private readonly RedisValue burst;
    private readonly GroupReader<Wish, Lease> wishes;
    private readonly TokenBucketRateLimiter local;
    private long lastUse;
    private long acquired;
    private long refused;

    public SharedTokenBucket(RedisLink redis, TimeProvider time, string name, int perSecond, int burst)
    {
        this.redis = redis;
        this.time = time;
        key = [string.Create(CultureInfo.InvariantCulture, $"{name}:{perSecond}")];
        this.perSecond = perSecond;
        this.burst = burst;
        wishes = new(AskAsync, lanes: 1);
        lastUse = time.GetTimestamp();
        local = new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            TokenLimit = burst,
            TokensPerPeriod = Math.Max(1, perSecond / 10),
            ReplenishmentPeriod = TimeSpan.FromMilliseconds(perSecond >= 10 ? 100 : 1000 / perSecond),
            QueueLimit = 0,
            AutoReplenishment = true,
        });
    }

    public override TimeSpan? IdleDuration => time.GetElapsedTime(Volatile.Read(ref lastUse));

    public override RateLimiterStatistics GetStatistics() => new()
    {
        CurrentAvailablePermits = local.GetStatistics()?.CurrentAvailablePermits ?? 0,
        TotalSuccessfulLeases = Interlocked.Read(ref acquired),
        TotalFailedLeases = Interlocked.Read(ref refused),
    };

    /// <summary>Never grants anything: whoever asks so is sent on to <see cref="AcquireAsyncCore"/> by the framework.</summary>
    protected override RateLimitLease AttemptAcquireCore(int permitCount) => Lease.Refused(TimeSpan.Zero);

    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken)
    {
        Volatile.Write(ref lastUse, time.GetTimestamp());
        var lease = (await wishes.ReadAsync(new Wish(permitCount), cancellationToken))!;
        Interlocked.Increment(ref lease.IsAcquired ? ref acquired : ref refused);
        return lease;
    }

    private async Task<IReadOnlyDictionary<Wish, Lease>> AskAsync(IReadOnlyList<Wish> together, CancellationToken cancellationToken)
    {
        RedisValue[] arguments = [perSecond, burst, .. together.Select(w => (RedisValue)w.Permits)];
        var reply = await redis.TryAsync(database => database.ScriptEvaluateAsync(TakeTokens, key, arguments), cancellationToken);
        var waits = reply is { Answered: true, Value: { } value } ? (long[])value! : null;
        return together.Select((wish, place) => (wish, Lease: waits is null ? TakeHere(wish) : Lease.After(waits[place]))).ToDictionary(w => w.wish, w => w.Lease);
    }

    private Lease TakeHere(Wish wish)
    {
        using var lease = local.AttemptAcquire(wish.Permits);
        return lease.IsAcquired ? Lease.Granted
            : Lease.Refused(lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            local.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>One request's, and equal to no other.</summary>
    private sealed class Wish(int permits)
    {
        public int Permits => permits;
    }

    private sealed class Lease(bool isAcquired, TimeSpan retryAfter) : RateLimitLease
    {
        public static readonly Lease Granted = new(true, TimeSpan.Zero);

        public static Lease Refused(TimeSpan retryAfter) => new(false, retryAfter);

        public static Lease After(long milliseconds) => milliseconds == 0 ? Granted : Refused(TimeSpan.FromMilliseconds(milliseconds));

        public override bool IsAcquired => isAcquired;

        public override IEnumerable<string> MetadataNames => isAcquired ? [] : [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = isAcquired ? null : retryAfter;
            return !isAcquired && metadataName == MetadataName.RetryAfter.Name;
        }
    }
}
