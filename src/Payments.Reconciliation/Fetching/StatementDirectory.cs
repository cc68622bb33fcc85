using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Reconciliation.Imports;

namespace Payments.Reconciliation.Fetching;

/// <summary>
/// A directory into which the bank's statements are put, in <c>test</c> and <c>live</c>. A file counts when it has not changed for a
/// while; afterwards it lies in <c>done</c> or <c>refused</c> beside it.
/// </summary>
public sealed class StatementDirectory(Importer importer, IOptions<ReconciliationOptions> options, TimeProvider time, ILogger<StatementDirectory> logger)
{
    /// <returns>How many files were taken.</returns>
    public async Task<int> TakeAsync(CancellationToken cancellationToken)
    {
        if (options.Value.StatementDirectory is not { Length: > 0 } directory)
        {
            return 0;
        }

        var taken = 0;
        foreach (var mode in Enum.GetValues<Mode>())
        {
            var inbox = Directory.CreateDirectory(Path.Combine(directory, ModeNames.Of(mode)));
            var settled = time.GetUtcNow().AddSeconds(-options.Value.StatementQuietSeconds);
            foreach (var file in inbox.EnumerateFiles().Where(f => IsWhole(f, settled)).OrderBy(f => f.Name, StringComparer.Ordinal))
            {
                taken += await TakeAsync(file, mode, cancellationToken) ? 1 : 0;
            }
        }

        return taken;
    }

    // What is being written has another name, or grows.
    private static bool IsWhole(FileInfo file, DateTimeOffset settled) =>
        !file.Name.StartsWith('.') && file.Extension is not (".part" or ".tmp" or ".filepart") && file.LastWriteTimeUtc <= settled.UtcDateTime && file.LinkTarget is null;

    private async Task<bool> TakeAsync(FileInfo file, Mode mode, CancellationToken cancellationToken)
    {
        if (file.Length > options.Value.LargestReportMegabytes * 1024L * 1024)
        {
            Move(file, "refused");
            Log.StatementTaken(logger, file.Name, "refused", "it is too large");
            ReconciliationTelemetry.Fetched("bank", "refused");
            return true;
        }

        try
        {
            var result = await importer.ImportAsync(file.FullName, mode, null, null, cancellationToken);
            var refused = result.State == "refused";
            Move(file, refused ? "refused" : "done");
            ReconciliationTelemetry.Fetched("bank", refused ? "refused" : "fetched");
            Log.StatementTaken(logger, file.Name, result.State, refused ? $"line {result.Line}: {result.Reason}" : $"{result.Accepted} lines, {result.Quarantined} set aside");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImportTakenException)
        {
            // It stays where it is, and the next round tries again.
            ReconciliationTelemetry.Fetched("bank", "failed");
            Log.StatementFailed(logger, e, file.Name);
            return false;
        }
    }

    private static void Move(FileInfo file, string where) =>
        file.MoveTo(Path.Combine(Directory.CreateDirectory(Path.Combine(file.DirectoryName!, where)).FullName, file.Name), overwrite: true);
}
