using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Payments.EndToEndTests;

/// <summary>
/// A clone of this repository (with what is not committed yet) in the most awkward place that people really have: below a
/// directory of mode 700, in one whose name has blanks, quotes and letters beyond ASCII. Built by the first start in it.
/// </summary>
public sealed class Checkout : IAsyncLifetime
{
    public const string Name = "checkout";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const string DataDirectory = "dätä ";
    private string home = string.Empty;
    private int directories;

    /// <summary>Where the tests themselves come from.</summary>
    public static string Source { get; } = FindSource();

    /// <summary>The clone.</summary>
    public string Root { get; private set; } = string.Empty;

    public async ValueTask InitializeAsync()
    {
        home = Directory.CreateTempSubdirectory("payments-e2e-").FullName;
        File.SetUnixFileMode(home, OwnerOnly);
        Root = Path.Combine(home, "Straße \"it's\" & café", "payments");
        var config = Path.Combine(home, "gitconfig");
        // The checkout may belong to someone else than the one who tests it.
        await File.WriteAllTextAsync(config, "[safe]\n\tdirectory = *\n");
        Environment.SetEnvironmentVariable("GIT_CONFIG_GLOBAL", config);
        await RunAsync("git", Source, ["clone", "--quiet", Source, Root]);
        var changes = Path.Combine(home, "changes.patch");
        await RunAsync("/bin/sh", Source, ["-c", "git diff --binary HEAD >\"$1\" && { [ ! -s \"$1\" ] || git -C \"$2\" apply --whitespace=nowarn \"$1\"; }", "sh", changes, Root]);
        await RunAsync("/bin/sh", Source, ["-c", "git ls-files -z --others --exclude-standard | xargs -0 -r cp --parents -t \"$1\"", "sh", Root]);
    }

    public ValueTask DisposeAsync()
    {
        KeepLogs();
        Directory.Delete(home, recursive: true);
        // A path with a quote is built in a copy; see eng/setup.sh.
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var copy = Path.Combine(cache, "payments", "checkouts", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Root)))[..16]);
        if (Directory.Exists(copy))
        {
            Directory.Delete(copy, recursive: true);
            File.Delete(copy + ".lock");
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>A fresh data directory in the clone's own awkward neighbourhood.</summary>
    public string NewDataDirectory() => Path.Combine(Path.GetDirectoryName(Root)!, $"{DataDirectory}{Interlocked.Increment(ref directories)}");

    /// <summary>What the products have logged stays with the reports, where <c>test.sh</c> searches it for card data.</summary>
    private void KeepLogs()
    {
        var kept = Directory.CreateDirectory(Path.Combine(Source, "artifacts", "tests", "end-to-end")).FullName;
        var neighbourhood = Path.GetDirectoryName(Root)!;
        foreach (var log in Directory.EnumerateDirectories(neighbourhood, DataDirectory + "*").SelectMany(data => Directory.EnumerateFiles(data, "*.log", SearchOption.AllDirectories)))
        {
            File.Copy(log, Path.Combine(kept, Path.GetRelativePath(neighbourhood, log).Replace(Path.DirectorySeparatorChar, '-')), overwrite: true);
        }
    }

    private static async Task RunAsync(string program, string directory, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} failed: {error}");
    }

    private static string FindSource()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "run.sh")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException("The tests do not run from within a checkout.");
    }
}

/// <summary>These tests start whole products, so they run one after the other.</summary>
[CollectionDefinition(Checkout.Name)]
public sealed class CheckoutCollectionDefinition : ICollectionFixture<Checkout>;
