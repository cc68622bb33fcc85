using System.Globalization;
using Payments.AllInOne.Embedded;

namespace Payments.Chaos.Processes;

/// <summary>What runs that were killed have left behind: processes, servers, a mounted disk, directories. Only what carries the mark of such a run is touched.</summary>
internal static class Leftovers
{
    public const string Prefix = "payments-fleet-";

    public static string FileIn(string directory) => Path.Combine(directory, "pids");

    /// <summary>A new directory below the system's temporary one, named for this process.</summary>
    public static string NewDirectory() =>
        Directory.CreateTempSubdirectory(string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-")).FullName;

    /// <summary>One run after the other: two that begin at once would take the same leftovers away from each other.</summary>
    public static async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var turn = await TurnAsync(cancellationToken);
        foreach (var left in Directory.GetDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            var owner = Path.GetFileName(left)[Prefix.Length..].Split('-')[0];
            if (Directory.Exists("/proc/" + owner))
            {
                continue;
            }

            EndProcessesOf(left);
            var disk = Path.Combine(left, Disk.Name);
            await PostgresServer.StopLeftBehindAsync(left, cancellationToken);
            await PostgresServer.StopLeftBehindAsync(disk, cancellationToken);
            await RedisServer.StopLeftBehindAsync(left, cancellationToken);
            await Disk.UnmountAsync(disk, cancellationToken);
            Directory.Delete(left, recursive: true);
        }
    }

    private static async Task<FileStream> TurnAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(Path.GetTempPath(), "payments-fleets.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            }
        }
    }

    /// <summary>Kills what the directory's file names, where it still is a process of that fleet.</summary>
    public static void EndProcessesOf(string directory)
    {
        foreach (var pid in ProcessesOf(directory).Where(p => EnvironmentOf(p).Contains(FleetProcess.Mark + "=" + directory)))
        {
            Posix.Signal(pid, Posix.SigKill);
        }
    }

    private static IEnumerable<int> ProcessesOf(string directory) => File.Exists(FileIn(directory))
        ? File.ReadAllLines(FileIn(directory)).Where(l => l.Length > 0).Select(l => int.Parse(l, CultureInfo.InvariantCulture))
        : [];

    private static string[] EnvironmentOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/environ").Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // gone, or somebody else's
        }
    }
}
