using System.Threading.RateLimiting;
using OpenTelemetry.Trace;

namespace Payments.ServiceDefaults;

/// <summary>
/// Records traces up to a number a second, and of more than that none. Where payments are few each is recorded; where they are many, a
/// trace costs what a sale costs, and some are as good as all.
/// </summary>
internal sealed class TracesPerSecond(int most) : Sampler, IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private readonly TokenBucketRateLimiter bucket = new(new TokenBucketRateLimiterOptions
    {
        TokenLimit = Math.Max(1, most),
        TokensPerPeriod = Math.Max(1, most / 10),
        ReplenishmentPeriod = Period,
        QueueLimit = 0,
    });

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        using var lease = bucket.AttemptAcquire();
        return new SamplingResult(lease.IsAcquired ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }

    public void Dispose() => bucket.Dispose();
}
