using System.Diagnostics;
using System.Runtime.InteropServices;

/// <summary>
/// Ends its process with SIGKILL at a step of the payment path. Which step, and where several take it in one process whose, is read from a
/// file whenever one is reached, so that a running process can be aimed at; the file is renamed right before the end, which proves that
/// the step was reached.
/// </summary>
/// <remarks>The runtime wants this name, without a namespace.</remarks>
#pragma warning disable CA1050 // See above.
public static partial class StartupHook
#pragma warning restore CA1050
{
    private const int SigKill = 9;

    /// <summary>Where the step is named; without it the hook does nothing.</summary>
    private const string AimVariable = "PAYMENTS_KILL_AIM";

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(AimVariable) is { Length: > 0 } aim)
        {
            DiagnosticListener.AllListeners.Subscribe(new Listeners(aim));
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int pid, int signal);

    private sealed class Listeners(string aim) : IObserver<DiagnosticListener>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Payments.Steps")
            {
                value.Subscribe(new Executioner(aim));
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }

    private sealed class Executioner(string aim) : IObserver<KeyValuePair<string, object?>>
    {
        private readonly Lock gate = new();

        public void OnNext(KeyValuePair<string, object?> value)
        {
            lock (gate)
            {
                if (!File.Exists(aim) || (File.ReadAllText(aim) is var aimed && aimed != value.Key && aimed != $"{value.Key} {value.Value}"))
                {
                    return;
                }

                File.Move(aim, aim + ".hit", overwrite: true);
                _ = Kill(Environment.ProcessId, SigKill);

                // The signal may take a moment: this thread goes no further.
                using var never = new ManualResetEvent(initialState: false);
                never.WaitOne();
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
