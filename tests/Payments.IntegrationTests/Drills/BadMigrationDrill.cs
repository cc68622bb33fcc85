using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.IntegrationTests.Events;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Recovery;
using Payments.IntegrationTests.Webhooks;
using Payments.Platform;
using Payments.Platform.Postgres;
using Xunit;

namespace Payments.IntegrationTests.Drills;

/// <summary>docs/runbooks/bad-migration.md</summary>
public sealed class BadMigrationDrill(EmbeddedServers servers)
{
    private const string Currency = "DKK";
    private const string Target = "before_0999_tidy";
    private static readonly (string Name, object Value)[] Reason = [("reason", "0999_tidy undone")];

    // Nothing fails at once, and searching by order finds nothing any more.
    private static readonly Migration Bad = new(Migrations.ServiceComponent, 999, "tidy", "UPDATE payments SET order_id = NULL; DELETE FROM provider_references");

    private static readonly (string Service, string Consumer)[] Consumers =
        [("ledger", "ledger"), ("webhooks", "webhooks"), ("fraud", "fraud"), ("fraud", "fraud_model"), ("reconciliation", "reconciliation")];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_migration_destroys_data_and_is_undone_and_nothing_is_lost_or_posted_twice()
    {
        var runbook = Runbook.Open("bad-migration");
        await using var product = new ArchivedProduct(servers);
        await product.InitializeAsync();
        await using var server = await MerchantServer.StartAsync(Token);
        using var shop = await Shop.OpenAsync(product, "Drill: migration", Token);
        var consequences = await Consequences.FollowAsync(product, shop, server, Token);

        var held = (await DrillSteps.PayAsync(product, shop, Currency, 70_001, Token, "manual")).Text("id");
        await BuyAsync(shop, 4);
        await runbook.SqlAsync("restore-point", product.ServerOf, Token, ("target", Target));
        await using (var damaged = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Payments)))
        {
            Assert.Equal(1, await Migrations.ApplyAsync(damaged, [Bad], Token));
        }

        await BuyAsync(shop, 10);
        using (var captured = await product.PostAsync(shop.Merchant, $"/v1/payments/{held}/capture", new { }, Token))
        {
            await ProductFixture.JsonAsync(captured, Token);
        }

        await consequences.SettleAsync(Token);
        var unknown = await UnknownAsync(product, shop);
        var before = await PaymentsAsync(shop, unknown);
        Assert.Empty(await Shop.ListAsync(shop.Merchant, $"/v1/payments?order_id={Currency}-{shop.Id}-1", Token));
        Assert.Equal("tidy", (await runbook.SqlAsync("migrations", product.ServerOf, Token))[0]["name"]);

        await RestoreAsync(runbook, product);
        var counted = new ConcurrentQueue<string>();
        using var listener = Metric.Follow("payments.recoveries", counted, "payments.recovery", "payments.outcome");
        var (status, reinstated) = await runbook.HttpAsync("reinstate", product.Operator, Token, Reason);
        Assert.True(status == 200 && reinstated.GetProperty("events").GetInt32() > 10, reinstated.ToString());
        foreach (var (service, consumer) in Consumers)
        {
            Assert.Equal(204, (await runbook.HttpAsync("resume", product.Operator, Token, ("service", service), ("consumer", consumer))).Status);
        }

        Assert.Single(await Shop.ListAsync(shop.Merchant, $"/v1/payments?order_id={Currency}-{shop.Id}-1", Token));
        Assert.Equal(before, await PaymentsAsync(shop, unknown));
        // A listing of the provider's charges, due again since the database was away, may have told of it by now.
        Assert.Contains((await DrillSteps.ReadAsync(shop.Merchant, $"/v1/payments/{unknown}", Token)).Text("status"), (string[])["processing", "authorized"]);
        await product.ClearFaultsAsync(Token);
        await Eventually.BecomesTrueAsync("the unknown outcome is settled", async () => (await DrillSteps.ReadAsync(shop.Merchant, $"/v1/payments/{unknown}", Token)).Text("status") is "authorized" ? null : "not yet", Token);

        // The same keys again, with no help of Redis: old answers. Then new ones.
        await product.Host.Backends.Redis!.FlushAsync(Token);
        await BuyAsync(shop, 18);
        await consequences.SettleAsync(Token);
        Assert.True(await consequences.AssertOnceEachAsync(Currency, Token) > 36);
        await Eventually.BecomesTrueAsync("the ledger is complete", async () => (await DrillSteps.ReadAsync(product.Operator, "/ops/v1/ledger/completeness", Token)) is var now && now.GetProperty("complete").GetBoolean() ? null : now.GetProperty("findings").ToString(), Token);
        await AllFollowAsync(runbook, product);
        var told = await Shop.ListAsync(product.Operator, "/ops/v1/recoveries?kind=payment_reinstated", Token);
        Assert.NotEmpty(told);
        Assert.True(counted.Count(c => c == "payment_reinstated done") >= told.Count, $"{told.Count} were recorded, and counted: {string.Join(", ", counted)}");
        Assert.Contains("event_log_reinstated done", counted);
        runbook.AssertAllExecuted();
    }

    private static async Task RestoreAsync(Runbook runbook, ArchivedProduct product)
    {
        await runbook.SqlAsync("close", product.ServerOf, Token, Reason);
        var last = (string)(await runbook.SqlAsync("switch", product.ServerOf, Token)).Single()["last_segment"]!;
        await Eventually.BecomesTrueAsync("the log is archived", () => Task.FromResult(File.Exists(Path.Combine(product.Archive, last)) ? null : last), Token);
        await product.Damaged.StopAsync();
        var data = Path.Combine(product.RestoreDirectory, "postgres");
        await runbook.BashAsync("restore", Token, ("BASE_BACKUP", product.BaseBackup), ("NEW_PGDATA", data), ("ARCHIVE", product.Archive), ("TARGET", Target));

        await product.StartRestoredApartAsync();
        await Eventually.BecomesTrueAsync("recovery ends", async () => (bool)(await runbook.SqlAsync("recovered", product.ServerOf, Token)).Single()["recovering"]! ? "it goes on" : null, Token);
        await runbook.SqlAsync("close-restored", product.ServerOf, Token, Reason);
        await product.ServeRestoredAsync();
        foreach (var (service, consumer) in Consumers)
        {
            await Eventually.BecomesTrueAsync($"{consumer} halts", async () => (await ConsumerAsync(runbook, product, service, consumer)).Halted ? null : "it does not", Token);
        }
    }

    private static async Task<(bool Halted, long Applied)> ConsumerAsync(Runbook runbook, ArchivedProduct product, string service, string consumer)
    {
        var (status, list) = await runbook.HttpAsync("consumers", product.Operator, Token, ("service", service));
        Assert.Equal(200, status);
        var shown = list.GetProperty("data").EnumerateArray().Single(c => c.Text("name") == consumer);
        return (shown.GetProperty("halted_at").ValueKind != JsonValueKind.Null, shown.GetProperty("applied").GetInt64());
    }

    /// <summary>Everybody who follows the log has all of it, and nobody stands still.</summary>
    private static async Task AllFollowAsync(Runbook runbook, ArchivedProduct product)
    {
        await using var payments = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Payments));
        foreach (var (service, consumer) in Consumers)
        {
            await Eventually.BecomesTrueAsync(
                $"{consumer} has applied everything",
                async () =>
                {
                    var (halted, applied) = await ConsumerAsync(runbook, product, service, consumer);
                    var head = await payments.ScalarAsync<long>("SELECT sum(seq)::bigint FROM outbox_heads", Token);
                    return !halted && applied == head ? null : $"halted {halted}, applied {applied} of {head}";
                },
                Token);
        }
    }

    /// <summary>Traffic of the same keys each time, so that a second run begins with repetitions of the first.</summary>
    private static async Task BuyAsync(Shop shop, int purchases)
    {
        var traffic = new Traffic(shop, Currency);
        await using (traffic)
        {
            await traffic.GoOnAsync(purchases, Token);
        }

        Assert.True(traffic.Unexpected.Count == 0, string.Join("\n", traffic.Unexpected));
    }

    /// <summary>The provider has authorized it, and neither the answer nor a webhook told; it cannot be asked now.</summary>
    private static async Task<string> UnknownAsync(ArchivedProduct product, Shop shop)
    {
        foreach (var provider in new[] { "stripe", "adyen" })
        {
            await product.InjectFaultAsync(new { provider, operation = "webhook", kind = "webhook_lost" }, Token);
            await product.InjectFaultAsync(new { provider, operation = "authorize", kind = "drop_after" }, Token);
            await product.InjectFaultAsync(new { provider, operation = "read", kind = "503" }, Token);
        }

        var body = new { amount = 70_002, currency = Currency, payment_method = new { token = shop.Token }, capture_method = "manual" };
        using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", body, Token);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var id = (await ProductFixture.JsonAsync(answer, Token)).Text("id");
        await Eventually.BecomesTrueAsync("merchants know of it", async () => (await Shop.ListAsync(shop.Merchant, $"/v1/events?payment={id}", Token)).Count > 0 ? null : "no event", Token);
        await using var ledger = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Ledger));
        await using var payments = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Payments));
        await Eventually.BecomesTrueAsync(
            "the ledger has it",
            async () => await ledger.ScalarAsync<long>("SELECT sum(seq)::bigint FROM checkpoints", Token) == await payments.ScalarAsync<long>("SELECT sum(seq)::bigint FROM outbox_heads", Token) ? null : "it lags", Token);
        return id;
    }

    /// <summary>Every payment of the shop as it is shown, but for the one that nobody knows the outcome of.</summary>
    private static async Task<string> PaymentsAsync(Shop shop, string unknown) =>
        string.Join('\n', (await Shop.ListAsync(shop.Merchant, "/v1/payments", Token)).Where(p => p.Text("id") != unknown).Select(p => p.GetRawText()));
}

/// <summary>The whole product with the payments on a server that is backed up and archives its log.</summary>
internal sealed class ArchivedProduct(EmbeddedServers servers) : ProductFixture(servers)
{
    private readonly EmbeddedServers servers = servers;
    private PostgresServer? restored;

    public PostgresServer Damaged { get; private set; } = null!;

    public string Archive { get; } = servers.CreateDirectory();

    public string BackupDirectory { get; } = servers.CreateDirectory();

    public string RestoreDirectory { get; } = servers.CreateDirectory();

    public string BaseBackup => Path.Combine(BackupDirectory, "postgres");

    public string ServerOf(string name) => name == "restored" ? restored!.ConnectionString(Names.Databases.Payments) : Damaged.ConnectionString(name);

    /// <summary>At an address that no service knows.</summary>
    public async Task StartRestoredApartAsync() => restored = await PostgresServer.StartAsync(Options(RestoreDirectory, 0), TestContext.Current.CancellationToken);

    /// <summary>At the address of the one that it replaces.</summary>
    public async Task ServeRestoredAsync()
    {
        await restored!.StopAsync();
        restored = await PostgresServer.StartAsync(Options(RestoreDirectory, Damaged.Port), TestContext.Current.CancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var server in new[] { restored, Damaged })
        {
            await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    protected override Dictionary<string, string?> Configuration() => DrillSteps.With(base.Configuration(), DrillProduct.Haste);

    protected override async Task<Dictionary<string, string>> ConnectionsAsync()
    {
        var cancel = TestContext.Current.CancellationToken;
        File.SetUnixFileMode(Archive, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute);
        Damaged = await PostgresServer.StartAsync(
            Options(servers.CreateDirectory(), 0, ("archive_mode", "on"), ("archive_command", $"cp \"%p\" \"{Archive}/%f\"")), cancel);
        var connections = new Dictionary<string, string> { [Names.Databases.Payments] = await Damaged.CreateDatabaseAsync(Names.Databases.Payments, cancel) + ";Maximum Pool Size=70;Timeout=5" };
        await Damaged.BackupAsync(BackupDirectory, null, cancel);
        foreach (var database in new[] { Names.Databases.Vault, Names.Databases.Ledger, Names.Databases.Fraud, Names.Databases.Webhooks })
        {
            connections[database] = await servers.CreateDatabaseAsync(cancel);
        }

        return connections;
    }

    private static PostgresServerOptions Options(string directory, int port, params (string Name, string Value)[] settings) => new()
    {
        Directory = directory,
        Port = port,
        Password = "only-for-tests",
        Settings = settings.Append(("shared_buffers", "32MB")).ToDictionary(s => s.Item1, s => s.Item2),
    };
}
