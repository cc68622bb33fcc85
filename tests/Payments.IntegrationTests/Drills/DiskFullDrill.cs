using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Webhooks;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/disk-full.md</summary>
public sealed class DiskFullDrill(EmbeddedServers servers)
{
    private const string Currency = "SEK";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_databases_disk_is_full_payments_are_refused_and_after_it_was_enlarged_everything_goes_on()
    {
        var runbook = Runbook.Open("disk-full");
        var volume = servers.CreateDirectory();
        Assert.SkipUnless(await RunAsync("mount", "-t", "tmpfs", "-o", "size=180m,mode=755", "tmpfs", volume) == 0, "skipped: a small disk cannot be mounted here (that takes root and CAP_SYS_ADMIN), so a full disk was not rehearsed.");
        try
        {
            await using var product = new SmallDiskProduct(servers, volume);
            await product.InitializeAsync();
            await RehearseAsync(runbook, product, volume);
        }
        finally
        {
            await RunAsync("umount", "-l", volume);
        }

        runbook.AssertAllExecuted();
    }

    private static async Task RehearseAsync(Runbook runbook, SmallDiskProduct product, string volume)
    {
        var api = product.Host.Addresses.Api;
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Drill: disk", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);
        var traffic = new Traffic(shop, Currency, outage: true);
        await using (traffic)
        {
            await traffic.GoOnAsync(4, Token);
            Assert.NotEmpty(await runbook.SqlAsync("largest", product.ConnectionString, Token));
            Assert.NotEmpty(await runbook.SqlAsync("wal", product.ConnectionString, Token));
            Assert.Empty(await runbook.SqlAsync("slots", product.ConnectionString, Token));

            var refused = traffic.Repeated;
            Fill(Path.Combine(volume, "ballast"));
            await Eventually.BecomesTrueAsync(
                "payments are refused",
                () =>
                {
                    Assert.True(traffic.Unexpected.Count == 0, string.Join("\n", traffic.Unexpected));
                    Fill(Path.Combine(volume, $"ballast-{traffic.Repeated}-{traffic.Purchases.Count}")); // what the server gives back is taken, too
                    return Task.FromResult(traffic.Unavailable > 0 ? null : $"{traffic.Purchases.Count} are complete, {traffic.Repeated - refused} repeated");
                },
                Token);
            Assert.Contains("100%", await runbook.BashAsync("space", Token, ("PGDATA", volume)), StringComparison.Ordinal);

            await runbook.BashAsync("enlarge", Token, ("VOLUME", volume), ("SIZE", "600m"));
            await product.Small.RestartAsync(Token);
            await DrillSteps.UntilHealthAsync(api, "healthy", Token, "postgres");
            await traffic.GoOnAsync(6, Token);
        }

        Assert.True(traffic.Unexpected.Count == 0, string.Join("\n", traffic.Unexpected));
        await consequences.SettleAsync(Token);
        Assert.True(await consequences.AssertOnceEachAsync(Currency, Token) > traffic.Purchases.Count);
    }

    /// <summary>Something else takes all the space there is.</summary>
    private static void Fill(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            var block = new byte[4096];
            while (true)
            {
                file.Write(block);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }
}

/// <summary>The whole product with the database of the payments on a disk of its own.</summary>
internal sealed class SmallDiskProduct(EmbeddedServers servers, string volume) : ProductFixture(servers)
{
    private readonly EmbeddedServers servers = servers;

    public PostgresServer Small { get; private set; } = null!;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (Small is not null)
        {
            await Small.DisposeAsync();
        }
    }

    protected override Dictionary<string, string?> Configuration() => DrillSteps.With(base.Configuration(), DrillProduct.Haste);

    protected override async Task<Dictionary<string, string>> ConnectionsAsync()
    {
        var cancel = TestContext.Current.CancellationToken;
        Small = await PostgresServer.StartAsync(
            new()
            {
                Directory = volume,
                Password = "only-for-tests",
                Settings = new Dictionary<string, string> { ["shared_buffers"] = "16MB", ["min_wal_size"] = "32MB", ["max_wal_size"] = "48MB", ["wal_recycle"] = "off" },
            },
            cancel);
        var connections = new Dictionary<string, string> { [Names.Databases.Payments] = await Small.CreateDatabaseAsync(Names.Databases.Payments, cancel) + ";Maximum Pool Size=70;Timeout=5" };
        foreach (var database in new[] { Names.Databases.Vault, Names.Databases.Ledger, Names.Databases.Fraud, Names.Databases.Webhooks })
        {
            connections[database] = await servers.CreateDatabaseAsync(cancel);
        }

        return connections;
    }
}
