using System.Globalization;
using Payments.Core;
using Payments.Fraud.Registry;

namespace Payments.Fraud.Commands;

/// <summary><c>fraud evaluate --mode</c>: how the models in use rank the payments whose outcome is known by now.</summary>
internal static class CompareCommand
{
    public static async Task RunAsync(CommandLine options, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        await using var stored = StoredModels.Open(options, environment);
        var inUse = await new ModelRegistry(stored.Database).InUseAsync(cancellationToken);
        var figures = new LiveFigures(stored.Database, TimeProvider.System);
        output.WriteLine($"{"model",-40} {"payments",9} {"frauds",7} {"AUC ROC",8} {"avg prec",8}");
        foreach (var model in inUse.Where(m => m.Mode == stored.Mode && m.MerchantId == stored.Merchant).OrderByDescending(m => m.State))
        {
            foreach (var ranking in await figures.OfAsync(model, cancellationToken))
            {
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{$"{ranking.Model} since {model.Version} is {Words.Of(model.State)}",-40} {ranking.Payments,9} {ranking.Frauds,7} {ranking.AreaUnderRoc,8:F3} {ranking.AveragePrecision,8:F3}"));
            }
        }
    }
}
