using System.IO.Compression;
using Payments.Core;
using Payments.Fraud.Model;

namespace Payments.Fraud.Registry;

/// <summary>What a product that has no models yet does with the one it brings.</summary>
public enum BuiltInUse
{
    /// <summary>Nothing: rules alone decide until a model is promoted.</summary>
    None,

    /// <summary>It scores beside the rules, and its scores can be compared before it decides.</summary>
    Challenger,

    /// <summary>It decides from the first payment on.</summary>
    Champion,
}

/// <summary>
/// The model that the product brings: trained on generated traffic, so it knows the shapes of attacks and nobody's customers. See
/// docs/fraud-model.md for the commands that make it.
/// </summary>
internal static class BuiltInModel
{
    private const string By = "the product itself";

    public static Ensemble Load()
    {
        using var packed = typeof(BuiltInModel).Assembly.GetManifestResourceStream("built-in-model.json.gz")
            ?? throw new InvalidOperationException("The program was built without its model.");
        using var gzip = new GZipStream(packed, CompressionMode.Decompress);
        using var file = new MemoryStream();
        gzip.CopyTo(file);
        return EnsembleFile.Read(file.ToArray());
    }

    /// <summary>Stores it in each mode that has no model, and gives it its use. Safe to repeat, also by several replicas at once.</summary>
    public static async Task InstallAsync(ModelRegistry registry, BuiltInUse use, IdSource ids, CancellationToken cancellationToken)
    {
        if (use == BuiltInUse.None)
        {
            return;
        }

        foreach (var mode in Enum.GetValues<Mode>())
        {
            if ((await registry.ListAsync(mode, null, null, 1, cancellationToken)).Count > 0)
            {
                continue;
            }

            var ensemble = Load();
            try
            {
                var model = await registry.AddAsync(ids.New<FraudModelId>(), mode, null, ensemble, ensemble.Origin.Rows, By, cancellationToken);
                await registry.PromoteAsync(model.Id, use == BuiltInUse.Champion ? ModelState.Champion : ModelState.Challenger, By, cancellationToken);
            }
            catch (InvalidDataException)
            {
                // Another replica was first.
            }
        }
    }
}
