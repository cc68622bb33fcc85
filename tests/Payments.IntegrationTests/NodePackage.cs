using System.Diagnostics;
using Xunit;

namespace Payments.IntegrationTests;

/// <summary>A folder below <c>tests</c> with scripts for Node and the npm packages that they use, pinned by a lock file.</summary>
internal sealed class NodePackage(string folder)
{
    private static readonly Dictionary<string, string> NoEnvironment = [];
    private readonly string directory = Path.Combine(Root, "tests", folder);

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Runs a script and returns what it printed; fails where the script fails.</summary>
    public async Task<string> RunAsync(
        string script, IEnumerable<string> arguments, string input, CancellationToken cancellationToken, IReadOnlyDictionary<string, string>? environment = null)
    {
        await InstallAsync(cancellationToken);
        return await ExecuteAsync("node", [script, .. arguments], input, environment ?? NoEnvironment, cancellationToken);
    }

    /// <summary>Installs exactly what the lock file says, unless that is already there; one process at a time.</summary>
    private async Task InstallAsync(CancellationToken cancellationToken)
    {
        var installed = new FileInfo(Path.Combine(directory, "node_modules", ".package-lock.json"));
        await using var turn = await TakeTurnAsync(cancellationToken);
        if (!installed.Exists || installed.LastWriteTimeUtc < File.GetLastWriteTimeUtc(Path.Combine(directory, "package-lock.json")))
        {
            await ExecuteAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], "", NoEnvironment, cancellationToken);
        }
    }

    private async Task<FileStream> TakeTurnAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(directory, ".install.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException)
            {
                await Task.Delay(200, cancellationToken);
            }
        }
    }

    private async Task<string> ExecuteAsync(
        string program, IEnumerable<string> arguments, string input, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
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

    private static string FindRoot()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Payments.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("The tests do not run below the repository.");
    }
}
