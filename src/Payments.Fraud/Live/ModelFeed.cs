using Npgsql;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Registry;
using Payments.Platform;

namespace Payments.Fraud.Live;

/// <summary>
/// Builds the state of features from stored payments when the service starts, and then keeps it and the models up to date: with what
/// other replicas scored, with answers and labels as they are stored, and with promotions.
/// </summary>
internal sealed class ModelFeed(
    StoredOccurrences stored, LiveFeatures features, LoadedModels models, ModelRegistry registry, Replica replica, IdSource ids, NpgsqlDataSource database, ModelOptions options,
    TimeProvider time, ILogger<ModelFeed> logger)
    : BackgroundService
{
    /// <summary>A transaction is seen at most so long after the moment that its rows carry.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(5);

    private DateTimeOffset reached = DateTimeOffset.MinValue;
    private bool catalogued;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(TimeSpan.FromMilliseconds(options.RefreshMilliseconds), time, RoundAsync, e => ModelLog.NotRefreshed(logger, e), stoppingToken);

    /// <summary>One look at the database; the first one reads the whole history.</summary>
    internal async Task RoundAsync(CancellationToken cancellationToken)
    {
        if (!catalogued)
        {
            await AddCatalogueAsync(cancellationToken);
            await BuiltInModel.InstallAsync(registry, options.BuiltIn, ids, cancellationToken);
            catalogued = true;
        }

        await models.RefreshAsync(cancellationToken);
        var now = await stored.NowAsync(cancellationToken);
        if (!features.Ready)
        {
            await LoadAsync(now, cancellationToken);
        }
        else
        {
            foreach (var mode in Enum.GetValues<Mode>())
            {
                features.Apply(mode, await stored.SinceAsync(mode, replica, answers => features.Unknown(mode, answers), reached - Overlap, reached, now, cancellationToken));
                features.ForgetSeen(mode, Remembered);
            }
        }

        reached = now;
        features.Reached = now;
    }

    private async Task LoadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Rows are stored within moments of what they tell: only the newest will be told again.
        var remembered = (now - TimeSpan.FromDays(1)).ToUnixTimeSeconds();
        foreach (var mode in Enum.GetValues<Mode>())
        {
            var part = new List<Occurrence>();
            await foreach (var occurrence in stored.BetweenAsync(mode, now - TimeSpan.FromDays(options.HistoryDays), now, cancellationToken))
            {
                part.Add(occurrence);
                if (part.Count == 4_096)
                {
                    features.Apply(mode, part, remembered);
                    part.Clear();
                }
            }

            features.Apply(mode, part, remembered);
        }

        features.Ready = true;
        ModelLog.StateLoaded(logger, features.PartyCount);
    }

    private async Task AddCatalogueAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("INSERT INTO model_catalogues (id, names) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING");
        command.Parameters.Add(new() { Value = FeatureCatalogue.Id });
        command.Parameters.Add(new() { Value = FeatureCatalogue.Names.ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
