using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Payments.Platform.Redis;
using Xunit;

namespace Payments.IntegrationTests.Http;

/// <summary>A Redis that hangs is told from a process that is behind by whether others are answered.</summary>
public sealed class RedisLinkTests(EmbeddedServers servers)
{
    private const int Limit = 500;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_others_are_answered_a_late_answer_is_waited_for()
    {
        await using var redis = await ConnectedAsync();
        var answer = new TaskCompletionSource<int>();
        var waiting = redis.TryAsync(_ => answer.Task, Cancel).AsTask();

        await AnswersForAsync(redis, Limit * 2);
        Assert.False(waiting.IsCompleted);
        answer.SetResult(7);

        Assert.Equal(new RedisReply<int>(true, 7), await waiting);
    }

    [Fact]
    public async Task An_answer_that_never_comes_is_given_up_and_the_others_go_on()
    {
        await using var redis = await ConnectedAsync();
        var waiting = redis.TryAsync(_ => new TaskCompletionSource<int>().Task, Cancel).AsTask();

        await AnswersForAsync(redis, Limit * 6);

        Assert.True(waiting.IsCompleted);
        Assert.False((await waiting).Answered);
        Assert.True((await redis.TryAsync(database => database.PingAsync(), Cancel)).Answered);
    }

    [Fact]
    public async Task Where_nobody_is_answered_one_call_waits_and_the_next_ones_do_not()
    {
        await using var redis = await ConnectedAsync();
        await Task.Delay(Limit * 5, Cancel);

        Assert.False((await redis.TryAsync(_ => new TaskCompletionSource<int>().Task, Cancel)).Answered);

        var asked = false;
        Assert.False((await redis.TryAsync(_ => Task.FromResult(asked = true), Cancel)).Answered);
        Assert.False(asked);
    }

    private static async Task AnswersForAsync(RedisLink redis, int milliseconds)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMilliseconds(milliseconds))
        {
            await redis.TryAsync(database => database.PingAsync(), Cancel);
            await Task.Delay(5, Cancel);
        }
    }

    private async Task<RedisLink> ConnectedAsync()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:redis"] = (await servers.RedisAsync(Cancel)).ConnectionString,
            ["Payments:Redis:CallLimitMilliseconds"] = Limit.ToString(System.Globalization.CultureInfo.InvariantCulture),
        }).Build();
        var redis = new RedisLink(configuration, TimeProvider.System, NullLogger<RedisLink>.Instance);
        while (!(await redis.TryAsync(database => database.PingAsync(), Cancel)).Answered)
        {
            await Task.Delay(20, Cancel);
        }

        return redis;
    }
}
