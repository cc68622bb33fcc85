using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Payments.Platform.Redis;

/// <summary>What Redis answered; <see cref="Answered"/> is false where it did not in time.</summary>
public readonly record struct RedisReply<T>(bool Answered, T? Value);

/// <summary>
/// The way to Redis, which only ever speeds things up: every call is bounded, and a Redis that hangs or is away costs one short wait
/// per pause, not one per request. Callers say what to do without it.
/// </summary>
public sealed partial class RedisLink : IAsyncDisposable, IDisposable
{
    /// <summary>How long one call may take by default: Redis answers within a millisecond or is in trouble. <c>Payments:Redis:CallLimitMilliseconds</c>.</summary>
    public const int DefaultCallLimitMilliseconds = 50;

    /// <summary>How long Redis is left alone after it did not answer; then one call tries again.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The pause where the late answer came after all: it is slow for a moment, not away.</summary>
    public static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(200);

    // Whoever waited for so many limits goes on without Redis, and everybody does where nobody was answered for as long.
    private const int MostLimits = 4;

    private static readonly ActivitySource Source = new(Names.TelemetryPrefix + "Redis");
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(2);

    private readonly string? configuration;
    private readonly TimeSpan callLimit;
    private readonly TimeProvider time;
    private readonly ILogger<RedisLink> logger;
    private readonly Lock gate = new();
    private Task<ConnectionMultiplexer>? connecting;
    private long answeredAt;
    private long closedUntil;
    private bool away;

    public RedisLink(IConfiguration configuration, TimeProvider time, ILogger<RedisLink> logger)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        this.configuration = configuration.GetConnectionString(Names.Connections.Redis);
        callLimit = TimeSpan.FromMilliseconds(configuration.GetValue("Payments:Redis:CallLimitMilliseconds", DefaultCallLimitMilliseconds));
        this.time = time;
        this.logger = logger;
    }

    /// <summary>False where no connection string <c>redis</c> is configured.</summary>
    public bool IsConfigured => !string.IsNullOrEmpty(configuration);

    /// <summary>Runs one call within the limit; never throws for what Redis or the network does.</summary>
    public async ValueTask<RedisReply<T>> TryAsync<T>(Func<IDatabase, Task<T>> call, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (!IsConfigured || time.GetTimestamp() < Volatile.Read(ref closedUntil))
        {
            return default;
        }

        Task? pending = null;
        // Only as a part of something: a health check's ping is no trace of its own.
        using var span = Activity.Current is null ? null : Source.StartActivity("redis", ActivityKind.Client);
        span?.SetTag("db.system.name", "redis");
        try
        {
            var connection = Connected();
            if (!connection.IsCompletedSuccessfully)
            {
                // The connection is made in the background; no request waits for it.
                return default;
            }

            var answer = call((await connection).GetDatabase());
            pending = answer;
            var value = await WithinLimitAsync(answer, cancellationToken);
            NoteAnswer();
            return new RedisReply<T>(true, value);
        }
        catch (Exception e) when (e is TimeoutException or RedisException or ObjectDisposedException)
        {
            NoteFailure(e, pending);
            span?.SetStatus(ActivityStatusCode.Error, e.GetType().Name);
            return default;
        }
    }

    /// <summary>
    /// Waits for the limit, and again while others are answered: then it is this process that has more to do than it can, and not Redis that
    /// hangs. Taking it for that would have the process do more still, since what is done without Redis costs more.
    /// </summary>
    private async Task<T> WithinLimitAsync<T>(Task<T> answer, CancellationToken cancellationToken)
    {
        for (var limits = 1; ; limits++)
        {
            try
            {
                return await answer.WaitAsync(callLimit, time, cancellationToken);
            }
            catch (TimeoutException) when (answer.IsCompletedSuccessfully || (limits < MostLimits && Answers))
            {
            }
        }
    }

    /// <summary>Whether anybody's call was answered a moment ago.</summary>
    private bool Answers => time.GetElapsedTime(Volatile.Read(ref answeredAt)) < MostLimits * callLimit;

    /// <summary>Waits a moment for the first connection, so that a service starts with Redis if it is there.</summary>
    internal async Task ConnectAsync(CancellationToken cancellationToken)
    {
        if (IsConfigured)
        {
            try
            {
                await Connected().WaitAsync(ConnectLimit, time, cancellationToken);
            }
            catch (Exception e) when (e is TimeoutException or RedisException)
            {
                NoteFailure(e, null);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (connecting is { IsCompletedSuccessfully: true })
        {
            await (await connecting).CloseAsync(allowCommandsToComplete: false);
        }
    }

    public void Dispose()
    {
        if (connecting is { IsCompletedSuccessfully: true })
        {
            connecting.Result.Dispose();
        }
    }

    private Task<ConnectionMultiplexer> Connected()
    {
        var task = Volatile.Read(ref connecting);
        if (task is not null && !task.IsFaulted && !task.IsCanceled)
        {
            return task;
        }

        lock (gate)
        {
            if (connecting is null || connecting.IsFaulted || connecting.IsCanceled)
            {
                var options = ConfigurationOptions.Parse(configuration!);
                options.AbortOnConnectFail = false;
                options.ConnectTimeout = 2_000;
                options.ClientName = "payments";
                connecting = Task.Run(() => ConnectAsync(options));
            }

            return connecting;
        }
    }

    private static async Task<ConnectionMultiplexer> ConnectAsync(ConfigurationOptions options)
    {
        var connected = await ConnectionMultiplexer.ConnectAsync(options);
#if OLD_REDIS_CLIENT
        // It runs what follows an answer one after the other, so that each waits for all before it.
        connected.PreserveAsyncOrder = false;
#endif
        return connected;
    }

    private void NoteAnswer()
    {
        Volatile.Write(ref answeredAt, time.GetTimestamp());
        if (Volatile.Read(ref away))
        {
            Volatile.Write(ref away, false);
            Returned(logger);
        }
    }

    private void NoteFailure(Exception exception, Task? pending)
    {
        var now = time.GetTimestamp();
        var closes = exception is not TimeoutException || !Answers;
        if (closes)
        {
            Volatile.Write(ref closedUntil, After(now, Pause));
        }

        // Whatever the abandoned call ends in was decided here; an error nobody awaits must not surface elsewhere.
        pending?.ContinueWith(
            answered =>
            {
                if (answered.Exception is null && closes)
                {
                    Volatile.Write(ref closedUntil, After(now, ShortPause));
                }
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (closes && !Volatile.Read(ref away))
        {
            Volatile.Write(ref away, true);
            Away(logger, exception.GetType().Name);
        }
    }

    private long After(long moment, TimeSpan pause) => moment + (long)(pause.TotalSeconds * time.TimestampFrequency);

    [LoggerMessage(1101, LogLevel.Warning, "Redis does not answer ({Failure}); working without it.")]
    private static partial void Away(ILogger logger, string failure);

    [LoggerMessage(1102, LogLevel.Information, "Redis answers again.")]
    private static partial void Returned(ILogger logger);
}

internal sealed class RedisStart(RedisLink redis) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => redis.ConnectAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Redis is an aid: without it the service is degraded, not unhealthy.</summary>
internal sealed class RedisHealth(RedisLink redis) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!redis.IsConfigured)
        {
            return HealthCheckResult.Healthy("Not configured; counters are per process.");
        }

        var reply = await redis.TryAsync(database => database.PingAsync(), cancellationToken);
        return reply.Answered ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded("Redis does not answer; counters are per process.");
    }
}
