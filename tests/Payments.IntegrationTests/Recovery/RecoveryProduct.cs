using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Payments.IntegrationTests.Flow;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>The whole product, impatient: what takes hours is over in seconds.</summary>
public sealed class RecoveryProduct(EmbeddedServers servers) : FlowProduct(servers)
{
    public new const string Name = "recovery";

    private HttpClient? @operator;
    private NpgsqlDataSource? payments;

    public HttpClient Operator => @operator ??= ProductFixture.Client(Host.Addresses.Api, Host.Secrets.OperatorKey);

    public NpgsqlDataSource Payments => payments ??= NpgsqlDataSource.Create(Host.Backends.Connections[Names.Databases.Payments]);

    protected override Dictionary<string, string?> Configuration() => new(base.Configuration())
    {
        ["Payments:RateLimits:OperatorPerSecond"] = "10000",
        ["Payments:Connectors:AuthorizeMilliseconds"] = "6000",
        ["Payments:Connectors:ModifyMilliseconds"] = "6000",
        ["Payments:Deadlines:Open"] = "00:00:20",
        // Long enough for a test to set the next fault before the first repetition.
        ["Payments:Deadlines:Unknown"] = "00:00:04",
        ["Payments:Deadlines:Pending"] = "00:00:02",
        ["Payments:Deadlines:LongestPause"] = "00:00:02",
        ["Payments:Deadlines:LongestPendingPause"] = "00:00:02",
        ["Payments:Deadlines:LongestDebitPause"] = "00:00:02",
        ["Payments:Deadlines:AuthorizationWanted"] = "00:00:08",
        ["Payments:Deadlines:Alert"] = "00:00:10",
        ["Payments:Deadlines:PendingAlert"] = "00:00:15",
        // Tests bring them forward.
        ["Payments:Deadlines:RefundCheck"] = "01:00:00",
        ["Payments:Deadlines:RefundRetry"] = "01:00:00",
        ["Payments:UnresolvedWatchMilliseconds"] = "500",
        ["Payments:HoldSweepMilliseconds"] = "500",
    };

    public override async ValueTask DisposeAsync()
    {
        @operator?.Dispose();
        if (payments is not null)
        {
            await payments.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    public Shop ShopOf(string provider) => provider == "stripe" ? Stripe : Adyen;

    public async Task<List<JsonElement>> OpsAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await Operator.GetAsync(new Uri($"/ops/v1/{path}", UriKind.Relative), cancellationToken);
        return [.. (await ProductFixture.JsonAsync(answer, cancellationToken)).GetProperty("data").EnumerateArray()];
    }

    public async Task<List<string>> RecoveriesAsync(string payment, CancellationToken cancellationToken) =>
        [.. (await OpsAsync($"recoveries?payment={payment}", cancellationToken)).Select(r => r.GetProperty("kind").GetString()!).Reverse()];

    /// <summary>Incidents about a payment, newest first.</summary>
    public Task<List<JsonElement>> IncidentsAsync(string payment, CancellationToken cancellationToken) =>
        OpsAsync($"incidents?payment={payment}", cancellationToken);

    public async Task RunAsync(string sql, string payment, CancellationToken cancellationToken)
    {
        Assert.True(Core.Id.TryParse<Core.PaymentId>(payment, out var id), "a payment has an id");
        await using var command = Payments.CreateCommand(sql);
        command.Parameters.Add(new() { Value = id.Value });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Changes how the providers behave.</summary>
    public async Task SettingsAsync(object change, CancellationToken cancellationToken)
    {
        using var answer = await Simulators.PutAsJsonAsync("/settings", change, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Waits for what is only a matter of time.</summary>
    public static async Task<T> UntilAsync<T>(Func<Task<T>> look, Func<T, bool> holds, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(240));
        var seen = await look();
        while (!holds(seen))
        {
            Assert.False(limit.IsCancellationRequested, $"it stayed at {JsonSerializer.Serialize(seen)}");
            await Task.Delay(150, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            seen = await look();
        }

        return seen;
    }
}

[CollectionDefinition(RecoveryProduct.Name)]
public sealed class RecoveryCollectionDefinition : ICollectionFixture<RecoveryProduct>;
