using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;
using Payments.Platform.Http;

namespace Payments.Fraud.Live;

/// <summary>A model made ready: over all features of this program, flattened, and with what reasons need.</summary>
internal sealed class LoadedModel(ModelRecord record, Ensemble ensemble)
{
    public ModelRecord Record { get; } = record;

    public EnsembleScorer Scorer { get; } = new(ensemble);

    public PathAttribution Paths { get; } = new(ensemble);

    public TreeShap Shapley { get; } = new(ensemble);

    public Drift Drift { get; } = new(ensemble);

    public double OwnWeight { get; } = record.MerchantId is null ? 0 : Blend.OwnWeight(record.Payments);
}

/// <summary>The models of one mode at one moment; a promotion makes another set.</summary>
internal sealed record ModelSet(LoadedModel? Champion, LoadedModel? Challenger, FrozenDictionary<MerchantId, LoadedModel> Own)
{
    public static readonly ModelSet None = new(null, null, FrozenDictionary<MerchantId, LoadedModel>.Empty);

    /// <summary>What decides about a merchant's payments; null where no model does.</summary>
    public DecidingModels? For(MerchantId merchant)
    {
        if (Champion is null)
        {
            return null;
        }

        var own = Own.GetValueOrDefault(merchant);
        return own is { OwnWeight: > 0 } ? new(Champion, own, own.OwnWeight) : new(Champion, null, 0);
    }
}

/// <summary>The model of all merchants, and the merchant's own mixed in with its weight where it has one that counts.</summary>
internal readonly record struct DecidingModels(LoadedModel Champion, LoadedModel? Own, double OwnWeight)
{
    public string Version => Own is null ? Champion.Record.Version : $"{Champion.Record.Version}+{Own.Record.Version}";

    public Calibrated Score(ReadOnlySpan<float> row)
    {
        var global = Champion.Scorer.Score(row);
        if (Own is null)
        {
            return new(global.Score / 100, global.Confidence);
        }

        var other = Own.Scorer.Score(row);
        return new(Blend.Mix(global.Score / 100, other.Score / 100, OwnWeight), (1 - OwnWeight) * global.Confidence + OwnWeight * other.Confidence);
    }
}

/// <summary>The models in use. They change while payments are scored, all of a mode at once.</summary>
internal sealed class LoadedModels(ModelRegistry registry, ILogger<LoadedModels> logger)
{
    private readonly Dictionary<FraudModelId, LoadedModel> loaded = [];
    private readonly HashSet<FraudModelId> unusable = [];
    private volatile ModelSet test = ModelSet.None;
    private volatile ModelSet live = ModelSet.None;
    private string inUse = "";

    public ModelSet Of(Mode mode) => mode == Mode.Live ? live : test;

    /// <summary>Takes over what was promoted since. One caller at a time.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var records = await registry.InUseAsync(cancellationToken);
        var now = string.Join('\n', records.Select(r => $"{r.Id} {r.State}"));
        if (now == inUse)
        {
            return;
        }

        foreach (var gone in loaded.Keys.Except(records.Select(r => r.Id)).ToArray())
        {
            loaded.Remove(gone);
        }

        var usable = new List<(ModelRecord Record, LoadedModel Model)>();
        foreach (var record in records)
        {
            if (await LoadAsync(record, cancellationToken) is { } model)
            {
                usable.Add((record, model));
            }
        }

        test = SetOf(Mode.Test, usable);
        live = SetOf(Mode.Live, usable);
        inUse = now;
        foreach (var (record, _) in usable)
        {
            ModelLog.ModelInUse(
                logger, record.Version, record.Id.ToString(), Words.Of(record.State), ModeNames.Of(record.Mode), record.MerchantId is { } merchant ? $" of {merchant}" : "");
        }
    }

    /// <summary>A model that need not be in use, for reasons of an earlier decision.</summary>
    public async Task<LoadedModel?> FindAsync(FraudModelId id, CancellationToken cancellationToken)
    {
        foreach (var set in new[] { test, live })
        {
            if (new[] { set.Champion, set.Challenger }.Concat(set.Own.Values).FirstOrDefault(m => m?.Record.Id == id) is { } model)
            {
                return model;
            }
        }

        return await registry.FindAsync(id, cancellationToken) is { } record
            ? new LoadedModel(record, (await registry.LoadAsync(id, cancellationToken)).Over(FeatureCatalogue.Names))
            : null;
    }

    public IEnumerable<Measurement<double>> Drift() =>
        (test.Champion?.Drift.Measurements(Mode.Test) ?? []).Concat(live.Champion?.Drift.Measurements(Mode.Live) ?? []);

    private static ModelSet SetOf(Mode mode, List<(ModelRecord Record, LoadedModel Model)> models)
    {
        var ofMode = models.Where(m => m.Record.Mode == mode).ToArray();
        LoadedModel? Global(ModelState state) => ofMode.FirstOrDefault(m => m.Record.State == state && m.Record.MerchantId is null).Model;
        return new(
            Global(ModelState.Champion),
            Global(ModelState.Challenger),
            ofMode.Where(m => m.Record is { State: ModelState.Champion, MerchantId: not null }).ToFrozenDictionary(m => m.Record.MerchantId!.Value, m => m.Model));
    }

    private async Task<LoadedModel?> LoadAsync(ModelRecord record, CancellationToken cancellationToken)
    {
        if (loaded.TryGetValue(record.Id, out var known))
        {
            return known;
        }

        if (unusable.Contains(record.Id))
        {
            return null;
        }

        try
        {
            return loaded[record.Id] = new(record, (await registry.LoadAsync(record.Id, cancellationToken)).Over(FeatureCatalogue.Names));
        }
        catch (EnsembleFormatException e)
        {
            // Made by a newer version: those replicas use it, this one goes on without.
            unusable.Add(record.Id);
            ModelLog.ModelUnusable(logger, record.Version, record.Id.ToString(), e);
            return null;
        }
    }
}
