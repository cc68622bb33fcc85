using System.Diagnostics;
using System.Globalization;

namespace Payments.Chaos.Processes;

/// <summary>A small disk of its own (tmpfs) that can be filled to the last byte.</summary>
public sealed class Disk
{
    internal const string Name = "disk";
    private readonly string filler;

    private Disk(string path)
    {
        Path = path;
        filler = System.IO.Path.Combine(path, "filler");
    }

    public string Path { get; }

    /// <summary>Mounts it; null where this process may not mount.</summary>
    internal static async Task<Disk?> TryMountAsync(string directory, int megabytes, CancellationToken cancellationToken)
    {
        var path = System.IO.Path.Combine(directory, Name);
        System.IO.Directory.CreateDirectory(path);
        var size = megabytes.ToString(CultureInfo.InvariantCulture) + "m";
        return await RunAsync("mount", ["-t", "tmpfs", "-o", $"size={size},mode=755", "payments-chaos", path], cancellationToken) == 0 ? new Disk(path) : null;
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 1);
        var block = new byte[1 << 20];
        for (var size = block.Length; size > 0; size /= 16)
        {
            WriteUntilFull(file, block.AsSpan(0, size));
        }
    }

    public void Free() => File.Delete(filler);

    internal static async Task UnmountAsync(string path, CancellationToken cancellationToken)
    {
        if (File.ReadLines("/proc/self/mounts").Any(l => l.Split(' ') is [_, var at, ..] && at == path))
        {
            await RunAsync("umount", [path], cancellationToken);
        }
    }

    private static void WriteUntilFull(FileStream file, ReadOnlySpan<byte> block)
    {
        try
        {
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    private static async Task<int> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        await Task.WhenAll(process.StandardError.ReadToEndAsync(cancellationToken), process.StandardOutput.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode;
    }
}
