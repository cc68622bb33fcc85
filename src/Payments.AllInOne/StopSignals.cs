using System.Runtime.InteropServices;

namespace Payments.AllInOne;

/// <summary>
/// The ways in which people and machines end a program. A shell starts background jobs with SIGINT ignored, so SIGTERM must do as well;
/// SIGHUP comes when the terminal closes.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly PosixSignalRegistration[] registrations;

    public StopSignals() =>
        registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, Stop))];

    /// <summary>Cancelled by the first of them.</summary>
    public CancellationToken Token => stopping.Token;

    public void Dispose()
    {
        Array.ForEach(registrations, r => r.Dispose());
        stopping.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        stopping.Cancel();
    }
}
