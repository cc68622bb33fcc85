using Payments.Chaos.Processes;
using Payments.Platform;

namespace Payments.Bench.Load;

/// <summary>Every service in a process of its own, as they are deployed; what was a call within the process is a request over HTTP.</summary>
internal sealed class SeparateProcesses : Product
{
    private readonly Fleet fleet;

    private SeparateProcesses(Fleet fleet) => this.fleet = fleet;

    /// <summary>The replica itself: what stands before replicas would be measured too.</summary>
    public override Uri Api => fleet.Api.First().Address;

    public override Uri Vault => fleet[Names.Services.Vault].Address;

    public override Uri Simulators => fleet[Names.Services.Simulators].Address;

    public override string OperatorKey => fleet.Secrets.OperatorKey;

    public override IReadOnlyDictionary<string, int> Processes =>
        fleet.Services.Append<FleetProcess>(fleet.Broker).Where(p => p.IsRunning).ToDictionary(p => p.Name, p => p.ProcessId!.Value);

    public override int PostgresId => fleet.Postgres.ProcessId!.Value;

    public override int RedisId => fleet.Redis.ProcessId!.Value;

    public override string PostgresData => Path.Combine(fleet.Directory, "postgres");

    public override string ConnectionString(string database) => fleet.ConnectionString(database);

    /// <param name="profile">PostgreSQL counts statements.</param>
    public static async Task<Product> StartAsync(Uri telemetry, bool profile, CancellationToken cancellationToken)
    {
        var fleet = await Fleet.StartAsync(
            new()
            {
                Directory = await Fleet.NewDirectoryAsync(cancellationToken),
                Configuration = new Dictionary<string, string?>(Configuration(telemetry)) { ["DOTNET_TieredPGO"] = "1", ["Payments:FraudDefault:ApproveUpToUsCents"] = "5000" },
                PostgresSettings = profile ? Profile.Settings : new Dictionary<string, string>(),
            },
            cancellationToken);
        var product = new SeparateProcesses(fleet);
        try
        {
            await (profile ? Profile.EnableAsync(product.ConnectionString(Names.Databases.Payments), cancellationToken) : Task.CompletedTask);
            return product;
        }
        catch (Exception)
        {
            await product.DisposeAsync();
            throw;
        }
    }

    public override ValueTask DisposeAsync() => fleet.DisposeAsync();
}
