using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Core.Seams;
using Payments.Fraud;
using Payments.Fraud.Live;
using Payments.Fraud.Metrics;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;
using Payments.Fraud.Velocity;
using Payments.Platform.Inbox;
using Payments.ServiceDefaults;
using Payments.TrafficGenerator.Population;

namespace Payments.Bench.Decisions;

/// <summary>
/// The fraud service as it runs, on a real PostgreSQL and Redis, without its HTTP and its stream: questions go to the scorer itself, and
/// events to the consumers' handlers. Its database and its Redis must be empty and nobody else's.
/// </summary>
internal sealed class FraudRig : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly List<IHostedService> running = [];
    private readonly AsyncLocal<DateTimeOffset> streamTime = new();

    private FraudRig(RigServers servers, bool streamed)
    {
        var networks = Path.Combine(servers.Directory, "networks.csv");
        File.WriteAllLines(networks, Networks.All.Select(n => $"{n.Cidr},{n.Country}"));

        // A directory of its own: whoever watches the one that the caller happens to stand in has much to do.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = Directory.CreateDirectory(Path.Combine(servers.Directory, "content")).FullName });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:fraud"] = servers.Database,
            ["ConnectionStrings:redis"] = servers.Redis,
            ["ConnectionStrings:kafka"] = "127.0.0.1:9",
            ["Payments:InternalKey"] = "only-for-measuring-and-tests",
            ["Payments:Secrets:EncryptionKey"] = Convert.ToBase64String(new byte[32]),
            ["Payments:Secrets:FingerprintKey"] = Convert.ToBase64String(new byte[32]),
            ["Payments:Fraud:IpCountriesFile"] = networks,

            // A busy machine is no outage of Redis: what is late is measured as late.
            ["Payments:Redis:CallLimitMilliseconds"] = "10000",
        });
        builder.AddFraud();
        if (streamed)
        {
            builder.Services.AddSingleton(new StreamClock(() => streamTime.Value));
        }

        app = builder.Build();
    }

    public NpgsqlDataSource Database => app.Services.GetRequiredService<NpgsqlDataSource>();

    public IFraudScorer Scorer => app.Services.GetRequiredService<IFraudScorer>();

    /// <param name="streamed">Attempts have the time of their stream, and nothing goes on by itself.</param>
    /// <param name="champion">The model that scores; null for rules alone.</param>
    public static async Task<FraudRig> StartAsync(RigServers servers, bool streamed, Ensemble? champion, CancellationToken cancellationToken)
    {
        var rig = new FraudRig(servers, streamed);
        await rig.app.MigrateAsync(cancellationToken);
        if (champion is not null)
        {
            var id = new IdSource(TimeProvider.System).New<FraudModelId>();
            await rig.app.Services.GetRequiredService<ModelRegistry>().AddAsync(id, Mode.Live, null, champion, 1_000_000, "bench", cancellationToken);
            await using var promote = rig.Database.CreateCommand("UPDATE models SET state = 'champion' WHERE id = $1");
            promote.Parameters.Add(new() { Value = id.Value });
            await promote.ExecuteNonQueryAsync(cancellationToken);
        }

        foreach (var service in rig.app.Services.GetServices<IHostedService>().Where(s => Belongs(s, streamed)))
        {
            await service.StartAsync(cancellationToken);
            rig.running.Add(service);
        }

        while (!await rig.CountersAreReadyAsync(cancellationToken) || (champion is not null && !rig.app.Services.GetRequiredService<LiveFeatures>().Ready))
        {
            await Task.Delay(50, cancellationToken);
        }

        return rig;
    }

    /// <summary>Decides as of a moment of the stream.</summary>
    public Task<FraudDecision> DecideAsync(FraudRequest request, DateTimeOffset at, CancellationToken cancellationToken)
    {
        streamTime.Value = at;
        return Scorer.ScoreAsync(request, cancellationToken);
    }

    /// <summary>What the stream of payment events tells, and Redis after it.</summary>
    public async Task TellAsync(IReadOnlyList<PaymentEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count > 0)
        {
            await using var connection = await Database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var batch = events.Select((e, i) => new ReceivedEvent(e, 0, i + 1, null)).ToArray();
            await app.Services.GetRequiredService<PaymentOutcomes>().ApplyAsync(connection, transaction, batch, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            await CountersAreReadyAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        running.Reverse();
        foreach (var service in running)
        {
            await service.StopAsync(CancellationToken.None);
        }

        await app.DisposeAsync();
    }

    private async Task<bool> CountersAreReadyAsync(CancellationToken cancellationToken) =>
        await app.Services.GetRequiredService<VelocityKeeper>().RoundAsync(cancellationToken) && app.Services.GetRequiredService<VelocityCounters>().Trusted;

    private static bool Belongs(IHostedService service, bool streamed)
    {
        var type = service.GetType();
        var isOurs = type.Namespace!.StartsWith("Payments.Fraud", StringComparison.Ordinal) || type.Namespace == "Payments.Platform.Redis";
        return isOurs && type != typeof(RiskGauges) && (!streamed || (type != typeof(VelocityKeeper) && type != typeof(ModelFeed)));
    }
}
