using System.Diagnostics;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A command of reconciliation in a process of its own.</summary>
internal static class ReconProcess
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="step">Where the process is killed; null: it must end well.</param>
    public static async Task<int> RunAsync(ReconciliationDatabase database, IReadOnlyList<string> command, string? step, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Payments.Reconciliation.dll"), .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ConnectionStrings__reconciliation"] = database.ConnectionString;
        start.Environment["Payments__Reconciliation__ClosingKey"] = ReconciliationDatabase.ClosingKey;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var aim = Path.Combine(database.Files, "aim");
        if (step is not null)
        {
            await File.WriteAllTextAsync(aim, step, Cancel);
            start.Environment["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "Payments.Killing.dll");
            start.Environment["PAYMENTS_KILL_AIM"] = aim;
        }

        using var process = Process.Start(start)!;
        var told = process.StandardError.ReadToEndAsync(Cancel);
        await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        Assert.True(step is null ? process.ExitCode == 0 : File.Exists(aim + ".hit"), $"{string.Join(' ', command)} at {step}: {process.ExitCode} {await told}");
        File.Delete(aim + ".hit");
        return process.ExitCode;
    }
}
