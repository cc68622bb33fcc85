using System.Diagnostics;
using System.Globalization;
using Payments.AllInOne.Embedded;

namespace Payments.Chaos.Processes;

/// <summary>
/// A program that can be started, killed and started again. It runs in a session of its own (Ctrl-C reaches only us, and we end it by
/// its id), its output goes to a file, and its environment carries the fleet's mark, by which a later run recognises what a killed
/// run left behind.
/// </summary>
public abstract class FleetProcess
{
    /// <summary>The environment variable that names the fleet's directory.</summary>
    internal const string Mark = "PAYMENTS_FLEET";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(25);
    private readonly string directory;
    private readonly Lock gate = new();
    private Process? process;
    private bool wanted;

    private protected FleetProcess(string name, string directory, string logs)
    {
        Name = name;
        this.directory = directory;
        LogFile = Path.Combine(logs, name + ".log");
    }

    /// <summary>Unique in the fleet: <c>ledger</c>, <c>api-1</c>.</summary>
    public string Name { get; }

    public string LogFile { get; }

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>Null while it does not run.</summary>
    public int? ProcessId
    {
        get
        {
            lock (gate)
            {
                return process is { HasExited: false } running ? running.Id : null;
            }
        }
    }

    public bool IsRunning => ProcessId is not null;

    /// <summary>It was started, nobody asked it to stop, and yet it no longer runs.</summary>
    public bool IsMissing => wanted && !IsRunning;

    /// <summary>Starts the process without waiting until it answers; variables given here are for this start only.</summary>
    public void Launch(IReadOnlyDictionary<string, string?>? environment = null)
    {
        lock (gate)
        {
            if (process is { HasExited: false })
            {
                throw new InvalidOperationException($"{Name} runs already.");
            }

            process?.Dispose();
            process = Process.Start(StartInfo(environment)) ?? throw new InvalidOperationException($"{Name} did not start.");
            wanted = true;
            Starts++;
            // Where this process is killed itself, the next run ends what the file names.
            File.AppendAllText(Leftovers.FileIn(directory), process.Id.ToString(CultureInfo.InvariantCulture) + Environment.NewLine);
            Launched(process);
        }
    }

    public async Task StartAsync(CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? environment = null)
    {
        Launch(environment);
        await WaitUntilReadyAsync(cancellationToken);
    }

    /// <exception cref="InvalidOperationException">It ended, or does not answer in time; the message carries the end of its log.</exception>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        var limit = patience ?? TimeSpan.FromMinutes(4);
        var began = TimeProvider.System.GetTimestamp();
        while (!await AnswersAsync(cancellationToken))
        {
            if (!IsRunning || TimeProvider.System.GetElapsedTime(began) > limit)
            {
                throw new InvalidOperationException(
                    $"{Name} {(IsRunning ? $"does not answer after {limit.TotalSeconds:0} s" : "ended at its start")}; {LogFile} ends with:{Environment.NewLine}{LogTail()}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    /// <summary>kill −9. It stays missing until somebody starts it again.</summary>
    public void Kill() => Signal(Posix.SigKill);

    public void Pause() => Signal(Posix.SigStop);

    public void Resume() => Signal(Posix.SigCont);

    /// <summary>Waits until the process is gone, however it ended.</summary>
    public async Task WaitForExitAsync(CancellationToken cancellationToken)
    {
        if (Current() is { } running)
        {
            await running.WaitForExitAsync(cancellationToken);
        }
    }

    /// <summary>Asks it to end (SIGTERM) and kills it where it does not.</summary>
    public async Task StopAsync()
    {
        wanted = false;
        if (Current() is { HasExited: false } running)
        {
            Posix.Signal(running.Id, Posix.SigCont);
            Posix.Signal(running.Id, Posix.SigTerm);
            try
            {
                await running.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
            }
            catch (TimeoutException)
            {
                Posix.Signal(running.Id, Posix.SigKill);
                await running.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    private protected abstract IEnumerable<string> Command { get; }

    private protected virtual bool IsSpokenTo => false;

    private protected abstract Task<bool> AnswersAsync(CancellationToken cancellationToken);

    private protected virtual void Launched(Process started)
    {
    }

    private protected virtual IEnumerable<KeyValuePair<string, string?>> Environ() => [];

    private protected string LogTail() => File.Exists(LogFile) ? string.Join(Environment.NewLine, File.ReadLines(LogFile).TakeLast(20)) : "(nothing was logged)";

    private Process? Current()
    {
        lock (gate)
        {
            return process;
        }
    }

    private void Signal(int signal)
    {
        if (ProcessId is { } pid)
        {
            Posix.Signal(pid, signal);
        }
    }

    private ProcessStartInfo StartInfo(IReadOnlyDictionary<string, string?>? environment)
    {
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = directory, RedirectStandardInput = IsSpokenTo, RedirectStandardOutput = IsSpokenTo };
        var script = IsSpokenTo ? """log=$1; shift; exec setsid "$@" 2>>"$log" """ : """log=$1; shift; exec setsid "$@" >>"$log" 2>&1 </dev/null""";
        foreach (var argument in (string[])["-c", script, "sh", LogFile, .. Command])
        {
            start.ArgumentList.Add(argument);
        }

        // Settings of the surrounding shell must not reach the services.
        string[] foreign = ["OTEL_", "ASPNETCORE_", "ConnectionStrings__", "Payments__", "Simulators__", "Logging__"];
        foreach (var name in start.Environment.Keys.Where(k => foreign.Any(f => k.StartsWith(f, StringComparison.OrdinalIgnoreCase))).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment[Mark] = directory;
        foreach (var (name, value) in Environ().Concat(environment ?? new Dictionary<string, string?>()))
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
