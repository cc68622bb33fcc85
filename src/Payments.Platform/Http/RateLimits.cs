using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Payments.Core.Seams;
using Payments.Platform.Redis;

namespace Payments.Platform.Http;

/// <summary>Default limits per key; a merchant's own limit comes with its key. Section <c>Payments:RateLimits</c>.</summary>
public sealed class RateLimitOptions
{
    public const string Section = "Payments:RateLimits";

    [Range(1, 1_000_000)]
    public int SecretPerSecond { get; set; } = 100;

    [Range(1, 1_000_000)]
    public int PublishablePerSecond { get; set; } = 25;

    [Range(1, 1_000_000)]
    public int OperatorPerSecond { get; set; } = 50;

    /// <summary>How many seconds' worth may be used at once.</summary>
    [Range(1, 60)]
    public int BurstSeconds { get; set; } = 2;
}

/// <summary>Chooses the limiter of a request: one per key, shared by all replicas.</summary>
internal static class RateLimits
{
    public static PartitionedRateLimiter<HttpContext> Create(RedisLink redis, IOptions<RateLimitOptions> options, TimeProvider time) =>
        PartitionedRateLimiter.Create<HttpContext, (string Key, int PerSecond)>(context =>
        {
            var limits = options.Value;
            (string Key, int PerSecond)? partition = (context.KeyIdentity(), context.OperatorOrNull()) switch
            {
                ({ } key, _) => (key.KeyId.ToString(), key.RequestsPerSecond ?? (key.Class == KeyClass.Secret ? limits.SecretPerSecond : limits.PublishablePerSecond)),
                (_, { } @operator) => (@operator.KeyId.ToString(), limits.OperatorPerSecond),
                _ => null,
            };
            return partition is { } chosen
                ? RateLimitPartition.Get(chosen, p => (RateLimiter)new SharedTokenBucket(redis, time, "rate:" + p.Key, p.PerSecond, checked(p.PerSecond * limits.BurstSeconds)))
                : RateLimitPartition.GetNoLimiter(("", 0));
        });
}
