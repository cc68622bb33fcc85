using System.Diagnostics;

namespace Payments.AllInOne.Embedded;

/// <summary>
/// A server running as a child in a session of its own (otherwise Ctrl-C would stop it before the product has stopped), its
/// output appended to a file, so that it also survives us without a broken pipe.
/// </summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process process;
    private readonly string logFile;

    private ServerProcess(Process process, string logFile)
    {
        this.process = process;
        this.logFile = logFile;
    }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public static ServerProcess Start(IEnumerable<string> command, string logFile, string workingDirectory)
    {
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = workingDirectory, UseShellExecute = false };
        foreach (var argument in (string[])["-c", """log=$1; shift; exec setsid "$@" >>"$log" 2>&1 </dev/null""", "sh", logFile, .. command])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("PG", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["LC_ALL"] = "C";
        return new ServerProcess(Process.Start(start)!, logFile);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message carries the end of its output.</exception>
    public static async Task RunAsync(IEnumerable<string> command, string logFile, string workingDirectory, CancellationToken cancellationToken)
    {
        using var program = Start(command, logFile, workingDirectory);
        await program.process.WaitForExitAsync(cancellationToken);
        if (program.process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)} failed:{Environment.NewLine}{program.LogTail()}");
        }
    }

    public void Signal(int signal) => Posix.Signal(Id, signal);

    /// <summary>Asks the server to stop with <paramref name="signal"/>, kills it where it does not within the time, and waits for its end.</summary>
    public async Task StopAsync(int signal, TimeSpan patience)
    {
        if (!HasExited)
        {
            Signal(signal);
            try
            {
                await process.WaitForExitAsync(CancellationToken.None).WaitAsync(patience);
            }
            catch (TimeoutException)
            {
                Signal(Posix.SigKill);
            }
        }

        await process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>Polls <paramref name="isReady"/> until it says so.</summary>
    /// <exception cref="InvalidOperationException">The server exited or took longer than <paramref name="patience"/>.</exception>
    public async Task WaitUntilReadyAsync(string name, Func<CancellationToken, Task<bool>> isReady, TimeSpan patience, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await isReady(cancellationToken))
        {
            if (HasExited || TimeProvider.System.GetElapsedTime(started) > patience)
            {
                throw new InvalidOperationException(
                    $"{name} {(HasExited ? "exited at start" : $"was not ready after {patience.TotalSeconds:0} s")}; {logFile} ends with:{Environment.NewLine}{LogTail()}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(30), cancellationToken);
        }
    }

    public void Dispose() => process.Dispose();

    /// <summary>
    /// Stops a server that an earlier run left behind, if <paramref name="isOurs"/> recognises the process that the pid file
    /// names; removes the pid file of one that is gone.
    /// </summary>
    public static async Task StopStaleAsync(string pidFile, Func<int, bool> isOurs, int signal, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!File.Exists(pidFile))
        {
            return;
        }

        var firstLine = File.ReadLines(pidFile).FirstOrDefault() ?? string.Empty;
        if (int.TryParse(firstLine.Trim(), out var pid) && isOurs(pid))
        {
            Posix.Signal(pid, Posix.SigCont); // one that was stopped could not hear us
            Posix.Signal(pid, signal);
            var started = TimeProvider.System.GetTimestamp();
            while (isOurs(pid))
            {
                if (TimeProvider.System.GetElapsedTime(started) > patience)
                {
                    throw new InvalidOperationException($"Process {pid} of an earlier run does not stop; stop it by hand and start again.");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
            }
        }

        File.Delete(pidFile);
    }

    private string LogTail() => File.Exists(logFile) ? string.Join(Environment.NewLine, File.ReadLines(logFile).TakeLast(15)) : "(nothing was logged)";
}
