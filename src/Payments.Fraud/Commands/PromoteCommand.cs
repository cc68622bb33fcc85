using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;

namespace Payments.Fraud.Commands;

/// <summary>
/// <c>fraud promote</c>: a stored model, or a file that is stored first, becomes challenger or champion; services take it over within
/// seconds. Promoting the retired one is the way back.
/// </summary>
internal static class PromoteCommand
{
    private const string By = "fraud promote";

    public static async Task RunAsync(IReadOnlyList<string> arguments, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        var options = new CommandLine(arguments, "--mode", "--merchant", "--version", "--model", "--to");
        var to = options.Text("--to") is not { } word ? ModelState.Challenger
            : Words.TryParse<ModelState>(word, out var state) && state != ModelState.Retired ? state
            : throw new UsageException($"--to must be candidate, challenger or champion, not {word}.");
        await using var stored = StoredModels.Open(options, environment);
        var registry = new ModelRegistry(stored.Database);
        var model = options.Text("--model") is null
            ? await FindAsync(registry, stored, options.Required("--version"), cancellationToken)
            : await AddAsync(registry, stored, options, cancellationToken);

        if (await registry.PromoteAsync(model.Id, to, By, cancellationToken) != PromotionVerdict.Done)
        {
            throw new InvalidDataException($"Model {model.Version} is {Words.Of(model.State)}: it cannot become {Words.Of(to)}.");
        }

        output.WriteLine($"{model.Version} ({model.Id}) is {Words.Of(to)}");
    }

    private static async Task<ModelRecord> FindAsync(ModelRegistry registry, StoredModels stored, string version, CancellationToken cancellationToken) =>
        await registry.FindAsync(stored.Mode, stored.Merchant, version, cancellationToken) ?? throw new InvalidDataException($"There is no model {version}.");

    private static async Task<ModelRecord> AddAsync(ModelRegistry registry, StoredModels stored, CommandLine options, CancellationToken cancellationToken)
    {
        var file = EnsembleFile.Load(options.ExistingFile("--model"));
        _ = file.Over(FeatureCatalogue.Names);
        var named = options.Text("--version") is { } version ? file with { Origin = file.Origin with { Version = version } } : file;
        return await registry.FindAsync(stored.Mode, stored.Merchant, named.Origin.Version, cancellationToken)
            ?? await registry.AddAsync(new IdSource(TimeProvider.System).New<FraudModelId>(), stored.Mode, stored.Merchant, named, named.Origin.Rows, By, cancellationToken);
    }
}
