using System.Globalization;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Webhooks;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/database-failover.md</summary>
public sealed class DatabaseFailoverDrill(EmbeddedServers servers)
{
    private const string Currency = "NOK";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_primary_crashes_and_restarts_and_then_dies_for_good_and_no_acknowledged_payment_is_lost()
    {
        var runbook = Runbook.Open("database-failover");
        await using var product = new ReplicatedProduct(servers);
        await product.InitializeAsync();
        var api = product.Host.Addresses.Api;
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Drill: failover", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        await SynchronousAsync(runbook, product, "standby1");

        var traffic = new Traffic(shop, Currency, outage: true);
        await using (traffic)
        {
            await traffic.GoOnAsync(4, Token);
            await product.Primary.StopImmediatelyAsync();
            await DrillSteps.UntilHealthAsync(api, "unhealthy", Token, "postgres");
            await product.Primary.StartAsync(Token);
            await traffic.GoOnAsync(4, Token);

            await product.Primary.KillAsync();
            await DrillSteps.UntilHealthAsync(api, "unhealthy", Token, "postgres");
            Assert.True((bool)(await runbook.SqlAsync("is-standby", product.ServerOf, Token)).Single()["standby"]!);
            Assert.True((bool)(await runbook.SqlAsync("promote", product.ServerOf, Token)).Single()["promoted"]!);
            product.Promoted();
            await DrillSteps.UntilHealthAsync(api, "healthy", Token, "postgres");
            await traffic.GoOnAsync(4, Token);

            // The next standby, so that the next failure loses nothing either.
            await product.AddStandbyAsync("standby2");
            await SynchronousAsync(runbook, product, "standby2");
            await traffic.GoOnAsync(2, Token);
        }

        Assert.True(traffic.Unexpected.Count == 0, string.Join("\n", traffic.Unexpected));
        await consequences.SettleAsync(Token);
        Assert.True(await consequences.AssertOnceEachAsync(Currency, Token) > traffic.Purchases.Count);
        Assert.Equal(0L, (await runbook.SqlAsync("gaps", product.ServerOf, Token)).Single()["gaps"]);
        runbook.AssertAllExecuted();
    }

    private static async Task SynchronousAsync(Runbook runbook, ReplicatedProduct product, string name)
    {
        await runbook.SqlAsync("require", product.ServerOf, Token, ("standby", name));
        await runbook.SqlAsync("reload", product.ServerOf, Token);
        await Eventually.BecomesTrueAsync(
            $"{name} is synchronous",
            async () => (await runbook.SqlAsync("replication", product.ServerOf, Token)).Any(r => r["application_name"] is string n && n == name && r["sync_state"] is "sync") ? null : "not yet",
            Token);
    }
}

/// <summary>The whole product on a primary with standbys, reached by one connection string that names both.</summary>
internal sealed class ReplicatedProduct(EmbeddedServers servers) : ProductFixture(servers)
{
    private readonly EmbeddedServers servers = servers;
    private PostgresServer? standby;

    public PostgresServer Primary { get; private set; } = null!;

    /// <summary>The connection string of a server in the runbook's words, for maintenance.</summary>
    public string ServerOf(string name) => name switch
    {
        "primary" => Primary.ConnectionString("postgres"),
        "standby" => standby!.ConnectionString("postgres"),
        _ => Primary.ConnectionString(name),
    };

    public void Promoted() => (Primary, standby) = (standby!, null);

    public async Task AddStandbyAsync(string name) => standby = await Primary.StartStandbyAsync(servers.CreateDirectory(), name, TestContext.Current.CancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var server in new[] { standby, Primary })
        {
            await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    protected override Dictionary<string, string?> Configuration() => DrillSteps.With(base.Configuration(), DrillProduct.Haste);

    protected override async Task<Dictionary<string, string>> ConnectionsAsync()
    {
        var cancel = TestContext.Current.CancellationToken;
        Primary = await PostgresServer.StartAsync(
            new() { Directory = servers.CreateDirectory(), Password = "only-for-tests", Settings = new Dictionary<string, string> { ["shared_buffers"] = "64MB" } }, cancel);
        await AddStandbyAsync("standby1");
        var connections = new Dictionary<string, string>();
        foreach (var database in new[] { Names.Databases.Payments, Names.Databases.Vault, Names.Databases.Ledger, Names.Databases.Fraud, Names.Databases.Webhooks, Names.Databases.Reconciliation })
        {
            connections[database] = new NpgsqlConnectionStringBuilder(await Primary.CreateDatabaseAsync(database, cancel))
            {
                Host = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Primary.Port},127.0.0.1:{standby!.Port}"),
                TargetSessionAttributes = "primary",
                HostRecheckSeconds = 1,
                Timeout = 5,
                MaxPoolSize = 70,
            }.ConnectionString;
        }

        return connections;
    }
}
