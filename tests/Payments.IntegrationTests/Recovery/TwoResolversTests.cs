using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

[Collection(RecoveryProduct.Name)]
public sealed class TwoResolversTests(RecoveryProduct product) : IAsyncDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync();

    /// <summary>
    /// The resolvers of several replicas at once, each with its own connections, none of which respects a lease: they are taken back
    /// all the time. Every attempt is settled by one of them, and each provider was told everything under one key.
    /// </summary>
    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task Several_resolvers_that_overtake_each_other_settle_every_attempt_once(string provider)
    {
        var shop = product.ShopOf(provider);
        await product.InjectAsync(provider, "webhook", "webhook_lost", Token, count: null);
        await product.InjectAsync(provider, "authorize", "drop_after", Token, count: null);
        var unknown = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => shop.PayAsync(Token)));
        Assert.All(unknown, p => Assert.Equal("processing", p.Text("status")));
        await product.ClearFaultsAsync();
        await product.InjectAsync(provider, provider == "stripe" ? "read" : "authorize", "delay", Token, count: null, delay: 150);

        using var done = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var api = product.Host.ServicesOf(Platform.Names.Services.Api);
        var replicas = Enumerable.Range(0, 4).Select(_ => ResolveAsync(ActivatorUtilities.CreateInstance<Resolver>(api, new DueAttempts(product.Payments)), provider, done.Token)).ToList();
        var thief = StealAsync(done.Token);
        foreach (var payment in unknown)
        {
            await shop.UntilAsync(payment.Id, "captured", Token);
        }

        await done.CancelAsync();
        await Task.WhenAll([.. replicas, thief]);
        foreach (var payment in unknown)
        {
            Assert.Equal(10_000, Assert.Single(await product.ChargesAsync(provider, payment.Id, Token)).GetProperty("amount_captured").GetInt64());
            Assert.Single(await product.RecoveriesAsync(payment.Id, Token), "attempt_resolved");
            var events = await RecoveryProduct.UntilAsync(
                async () => (await shop.GetAsync($"/v1/events?payment={payment.Id}", Token)).GetProperty("data").EnumerateArray().Select(e => e.GetProperty("type").GetString()!).ToList(),
                e => e.Contains("payment.captured"), Token);
            Assert.Equal(["payment.captured", "payment.processing"], events.Order());
        }
    }

    private static async Task ResolveAsync(Resolver resolver, string provider, CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            await resolver.SettleDueAsync(Words.Parse<Provider>(provider), CancellationToken.None);
            await Task.Delay(20, done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>As if every holder had stood still for longer than its lease.</summary>
    private async Task StealAsync(CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            await using var command = product.Payments.CreateCommand("UPDATE attempts SET due_at = now(), leased_until = NULL WHERE due_at IS NOT NULL AND state = 'unknown'");
            try
            {
                await command.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected)
            {
                // A resolver was taking the same rows: the next theft comes soon.
            }

            await Task.Delay(1_500, done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
