using System.Diagnostics;

namespace Payments.Chaos.Processes;

/// <summary>The library that moves the wall clock of a process, compiled from <c>clock.c</c>.</summary>
internal static class ClockLibrary
{
    /// <summary>Path of the library below the directory; null where there is no C compiler.</summary>
    public static async Task<string?> BuildAsync(string directory, CancellationToken cancellationToken)
    {
        var library = Path.Combine(directory, "libclock.so");
        try
        {
            var start = new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, Path.Combine(AppContext.BaseDirectory, "Processes", "clock.c"), "-ldl"]);
            using var compiler = Process.Start(start)!;
            await compiler.WaitForExitAsync(cancellationToken);
            return compiler.ExitCode == 0 ? library : throw new InvalidOperationException("clock.c does not compile.");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // no compiler
        }
    }
}
