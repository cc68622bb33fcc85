using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud;
using Payments.Fraud.Live;
using Payments.Fraud.Registry;
using Payments.Fraud.Scoring;
using Payments.Fraud.Velocity;
using Payments.Platform.Postgres;

namespace Payments.IntegrationTests.Fraud;

/// <summary>The model's part of one fraud service, whose rounds a test makes itself.</summary>
internal sealed class ModelReplica : IAsyncDisposable
{
    public static readonly EntityHash Hash = new(new byte[32]);

    private readonly NpgsqlDataSource database;
    private readonly ScoredRows rows;
    private readonly LiveModelScorer scorer;

    public ModelReplica(string connectionString, BuiltInUse builtIn = BuiltInUse.None)
    {
        database = NpgsqlDataSource.Create(connectionString);
        var options = new ModelOptions { BuiltIn = builtIn };
        Features = new(options, TimeProvider.System);
        Registry = new(database);
        Models = new(Registry, NullLogger<LoadedModels>.Instance);
        Metrics = new(Models, Features);
        var ids = new IdSource(TimeProvider.System);
        var replica = new Replica(ids.New<EventId>().Value);
        rows = new(database, replica, Metrics, TimeProvider.System, NullLogger<ScoredRows>.Instance);
        scorer = new(Features, Models, rows, Metrics);
        Feed = new(new(database), Features, Models, Registry, replica, ids, database, options, TimeProvider.System, NullLogger<ModelFeed>.Instance);
        Reasons = new(database, Models);
    }

    public LiveFeatures Features { get; }

    public ModelRegistry Registry { get; }

    public LoadedModels Models { get; }

    public ModelFeed Feed { get; }

    public ModelReasons Reasons { get; }

    public ModelMetrics Metrics { get; }

    public NpgsqlDataSource Database => database;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await rows.StartAsync(cancellationToken);
        await Feed.RoundAsync(cancellationToken);
    }

    public async Task<ModelScore?> ScoreAsync(FraudRequest request, DateTimeOffset at, CancellationToken cancellationToken) =>
        await scorer.ScoreAsync(request, new(at, Hash.Of(request), VelocityReading.Empty), cancellationToken);

    /// <summary>The features that a payment would have now, without it being counted for others.</summary>
    public float[] RowOf(FraudRequest request, DateTimeOffset at)
    {
        var row = new float[Payments.Fraud.Features.FeatureCatalogue.Count];
        Features.Attempt(request.Mode, request.PaymentId.Value, RequestFacts.Of(request, Hash.Of(request), null, at), row);
        return row;
    }

    public async Task StoredAsync(long count, CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < 9_600; tries++)
        {
            await using var command = database.CreateCommand("SELECT count(*) FROM model_rows");
            if ((long)(await command.ExecuteScalarAsync(cancellationToken))! == count)
            {
                return;
            }

            await Task.Delay(25, cancellationToken);
        }

        throw new TimeoutException($"{count} rows were not stored.");
    }

    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken, params object?[] values)
    {
        await using var command = database.CreateCommand(sql).With(values);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<T> ScalarAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        await rows.StopAsync(CancellationToken.None);
        rows.Dispose();
        Feed.Dispose();
        Metrics.Dispose();
        await database.DisposeAsync();
    }
}
