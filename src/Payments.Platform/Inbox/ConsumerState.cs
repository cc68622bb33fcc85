using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Payments.Platform.Inbox;

/// <summary>What a running consumer tells about itself; written by its loop, read by health checks and gauges.</summary>
internal sealed class ConsumerState
{
    private volatile string? haltedBecause;
    private volatile string? trouble = "It has not begun.";
    private long lag;

    public string? HaltedBecause
    {
        get => haltedBecause;
        set => haltedBecause = value;
    }

    /// <summary>What keeps it from going on at the moment; it tries again by itself.</summary>
    public string? Trouble
    {
        get => trouble;
        set => trouble = value;
    }

    public long Lag
    {
        get => Interlocked.Read(ref lag);
        set => Interlocked.Exchange(ref lag, value);
    }
}

internal sealed class ConsumerHealth(string consumer, ConsumerState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult((state.HaltedBecause, state.Trouble) switch
        {
            ({ } halted, _) => HealthCheckResult.Unhealthy($"Consumer {consumer} is halted: {halted}"),
            (_, { } trouble) => HealthCheckResult.Degraded($"Consumer {consumer} waits: {trouble}"),
            _ => HealthCheckResult.Healthy($"Consumer {consumer} is {state.Lag} events behind."),
        });
}
