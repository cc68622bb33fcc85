using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Payments.AllInOne.Embedded;
using Xunit;

namespace Payments.IntegrationTests.Http;

/// <summary>503 means that the limit let the request through to a service which is away here.</summary>
public sealed class RateLimitTests(EmbeddedServers servers)
{
    private const string Probe = "/v1/events";

    [Fact]
    public async Task Above_the_burst_a_key_is_told_when_to_come_back_and_other_keys_are_not_touched()
    {
        await using var host = await StartAsync(await RedisAsync());
        var merchant = await MerchantAsync(host, perSecond: 1);
        var (_, key, _) = await host.KeyAsync(merchant);
        var (_, other, _) = await host.KeyAsync(merchant);
        var answers = new List<(int Status, System.Text.Json.JsonElement Body, HttpResponseMessage Answer)>();
        for (var i = 0; i < 12 && answers.LastOrDefault().Status != 429; i++)
        {
            answers.Add(await host.SendAsync("GET", Probe, key));
        }

        var (status, body, answer) = answers[^1];
        Assert.True(status == 429, string.Join(' ', answers.Select(a => a.Status)));
        Assert.Equal("rate_limited", body.GetProperty("code").GetString());
        Assert.InRange(int.Parse(answer.Headers.GetValues("Retry-After").Single(), CultureInfo.InvariantCulture), 1, 2);
        Assert.Equal(503, (await host.SendAsync("GET", Probe, other)).Status);
    }

    [Fact]
    public async Task Replicas_share_one_count()
    {
        var (redis, database) = (await RedisAsync(), ("ConnectionStrings:payments", (string?)await servers.CreateDatabaseAsync(Shapes.Api, Token)));
        await using var one = await StartAsync(redis, database);
        await using var two = await StartAsync(redis, database);
        var (_, key, _) = await one.KeyAsync(await MerchantAsync(one, perSecond: 50));
        var clock = Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, 400).Select(i => (i % 2 == 0 ? one : two).SendAsync("GET", Probe, key)));
        var passed = answers.Count(a => a.Status == 503);

        // The burst of 100 and what came in meanwhile; with a count per replica it would be at least 200.
        Assert.InRange(passed, 100, 100 + (int)Math.Ceiling(50 * clock.Elapsed.TotalSeconds) + 1);
        Assert.Equal(answers.Length - passed, answers.Count(a => a.Status == 429));
    }

    [Fact]
    public async Task Without_Redis_each_replica_counts_for_itself()
    {
        await using var host = await StartAsync(("ConnectionStrings:redis", "127.0.0.1:1"));
        var (_, key, _) = await host.KeyAsync(await MerchantAsync(host, perSecond: 5));
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => host.SendAsync("GET", Probe, key)));
        Assert.True(answers.Count(a => a.Status == 503) >= 10);
        Assert.Contains(answers, a => a.Status == 429);
    }

    [Fact]
    public async Task A_Redis_that_hangs_and_returns_costs_no_request()
    {
        await using var redis = await RedisServer.StartAsync(new() { Directory = servers.CreateDirectory(), Password = "only-for-tests" }, Token);
        await using var host = await StartAsync(("ConnectionStrings:redis", redis.ConnectionString), ("Payments:Redis:CallLimitMilliseconds", "50"));
        var (_, key, _) = await host.KeyAsync(await MerchantAsync(host, perSecond: 1000));
        Assert.Equal(503, (await host.SendAsync("GET", Probe, key)).Status);
        redis.Pause();
        try
        {
            for (var i = 0; i < 50; i++)
            {
                Assert.Equal(503, (await host.SendAsync("GET", Probe, key)).Status);
            }
        }
        finally
        {
            redis.Resume();
        }

        Assert.Equal(503, (await host.SendAsync("GET", Probe, key)).Status);
    }

    [Fact]
    public async Task What_comes_at_once_is_asked_together_and_each_is_answered()
    {
        await using var redis = await RedisServer.StartAsync(new() { Directory = servers.CreateDirectory(), Password = "only-for-tests" }, Token);
        await using var host = await StartAsync(("ConnectionStrings:redis", redis.ConnectionString));
        var (_, key, _) = await host.KeyAsync(await MerchantAsync(host, perSecond: 20));
        var clock = Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => host.SendAsync("GET", Probe, key)));
        Assert.InRange(answers.Count(a => a.Status == 503), 40, 40 + (int)Math.Ceiling(20 * clock.Elapsed.TotalSeconds) + 1);
        Assert.All(answers.Where(a => a.Status != 503), a => Assert.Equal(429, a.Status));
        Assert.InRange(await BucketsAskedAsync(redis), 1, 200);
    }

    private static async Task<int> BucketsAskedAsync(RedisServer redis)
    {
        using var connection = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        var commands = (string?)await connection.GetDatabase().ExecuteAsync("INFO", "commandstats");
        return int.Parse(Regex.Match(commands!, @"cmdstat_hmget:calls=(\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<string> MerchantAsync(ApiHost host, int perSecond)
    {
        var merchant = await host.MerchantAsync();
        Assert.Equal(200, (await host.OperatorAsync("PATCH", "/ops/v1/merchants/" + merchant, new { rate_limit = new { requests_per_second = perSecond } })).Status);
        return merchant;
    }

    private async Task<(string, string?)> RedisAsync() => ("ConnectionStrings:redis", (await servers.RedisAsync(Token)).ConnectionString);

    private Task<ApiHost> StartAsync(params (string, string?)[] configuration) => ApiHost.StartAsync(servers, Token, configuration);
}
