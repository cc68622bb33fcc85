using System.Diagnostics;
using System.Text.Json;

namespace Payments.IntegrationTests.Simulators;

/// <summary>Runs the scripts of <c>tests/vendors</c>, which use the vendors' own npm packages as they are.</summary>
internal static class VendorClients
{
    private static readonly string Directory = Path.Combine(Root(), "tests", "vendors");

    /// <summary>What each scenario saw.</summary>
    public static async Task<JsonElement> RunAsync(string script, IReadOnlyDictionary<string, string> environment, IEnumerable<string> scenarios, CancellationToken cancellationToken)
    {
        await InstallAsync(cancellationToken);
        var output = await ExecuteAsync("node", [script, .. scenarios], environment, cancellationToken);
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>Installs exactly what the lock file says, unless that is already there; one process at a time.</summary>
    private static async Task InstallAsync(CancellationToken cancellationToken)
    {
        var installed = new FileInfo(Path.Combine(Directory, "node_modules", ".package-lock.json"));
        await using var turn = await TakeTurnAsync(cancellationToken);
        if (!installed.Exists || installed.LastWriteTimeUtc < File.GetLastWriteTimeUtc(Path.Combine(Directory, "package-lock.json")))
        {
            await ExecuteAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], new Dictionary<string, string>(), cancellationToken);
        }
    }

    private static async Task<FileStream> TakeTurnAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(Directory, ".install.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException)
            {
                await Task.Delay(200, cancellationToken);
            }
        }
    }

    private static async Task<string> ExecuteAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Directory, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {await errors}{await output}");
        return await output;
    }

    private static string Root()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Payments.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException("The tests do not run below the repository.");
    }
}
