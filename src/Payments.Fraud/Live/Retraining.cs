using Npgsql;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;
using Payments.Fraud.Training;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Live;

/// <summary>
/// Makes a new challenger of each mode from the labels that have come, when the newest model is old enough. It decides nothing until a
/// person promotes it. One replica trains at a time, on one thread, so that scoring keeps the others.
/// </summary>
internal sealed class Retraining(
    NpgsqlDataSource database, ModelRegistry registry, StoredRows stored, ModelOptions options, IdSource ids, TimeProvider time, ILogger<Retraining> logger) : BackgroundService
{
    private const string By = "retraining";

    /// <summary>One turn for all replicas.</summary>
    private const long Turn = 0x667261756401;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.RetrainDays == 0
        ? Task.CompletedTask
        : Rounds.RunAsync(TimeSpan.FromMinutes(options.RetrainCheckMinutes), time, RoundAsync, e => ModelLog.NotRetrained(logger, e), stoppingToken);

    internal async Task RoundAsync(CancellationToken cancellationToken)
    {
        using var untraced = Untraced.Begin();
        await SessionTurn.RunAsync(database, Turn, TrainDueAsync, cancellationToken);
    }

    private async Task TrainDueAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        foreach (var mode in Enum.GetValues<Mode>())
        {
            if (await IsDueAsync(connection, mode, cancellationToken))
            {
                await TrainAsync(mode, cancellationToken);
            }
        }
    }

    private async Task<bool> IsDueAsync(NpgsqlConnection connection, Mode mode, CancellationToken cancellationToken)
    {
        const string sql = """
            WITH newest AS (SELECT coalesce(max(created_at), '-infinity') AS at FROM models WHERE mode = $1 AND merchant_id IS NULL),
            frauds AS (SELECT payment_id, max(known_at) AS known_at FROM labels WHERE mode = $1 AND fraud GROUP BY payment_id)
            SELECT (SELECT at FROM newest) <= now() - $2 AND count(*) >= $3 AND max(known_at) > (SELECT at FROM newest) FROM frauds
            """;
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(new() { Value = ModeNames.Of(mode) });
        command.Parameters.Add(new() { Value = TimeSpan.FromDays(options.RetrainDays) });
        command.Parameters.Add(new() { Value = ModelTraining.LeastFrauds });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private async Task TrainAsync(Mode mode, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (rows, payments) = await stored.LoadAsync(mode, null, now.AddDays(-options.TrainingDays), now, progress: null, cancellationToken);
        if (rows.Frauds < ModelTraining.LeastFrauds)
        {
            return;
        }

        var ensemble = await Task.Factory.StartNew(() => Fit(rows, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var model = await registry.AddAsync(ids.New<FraudModelId>(), mode, null, ensemble, payments, By, cancellationToken);
        await registry.PromoteAsync(model.Id, ModelState.Challenger, By, cancellationToken);
        ModelLog.Retrained(logger, model.Version, model.Id.ToString(), ModeNames.Of(mode), rows.Count, rows.Frauds);
    }

    private static Ensemble Fit(RowCollector rows, CancellationToken cancellationToken) => ModelTraining.Fit(
        new HistogramTrainer(), rows, version: null, seed: 1, FeatureCatalogue.Names, Hyperparameters.LongHistory with { Threads = 1 }, _ => _ => { }, cancellationToken);
}
