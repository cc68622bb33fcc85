using System.Runtime.InteropServices;
using Payments.AllInOne;
using Spectre.Console;

var command = CommandLine.Parse(args);
var console = AnsiConsole.Create(new AnsiConsoleSettings());
if (!console.Profile.Out.IsTerminal)
{
    console.Profile.Width = 200; // a log file has no edge to wrap at
}

using var stopping = new CancellationTokenSource();
// A shell starts background jobs with SIGINT ignored, so SIGTERM must do as well; SIGHUP comes when the terminal closes.
var signals = new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, context =>
{
    context.Cancel = true;
    stopping.Cancel();
})).ToArray();

try
{
    await using var product = await Startup.RunAsync(command, console, stopping.Token);
    var told = Task.Delay(Timeout.Infinite, stopping.Token);
    if (await Task.WhenAny(told, product.ServiceEnded) != told)
    {
        throw new InvalidOperationException($"Service {await product.ServiceEnded} ended by itself; the log tells why: {product.LogFile}");
    }

    await Console.Error.WriteLineAsync("Stopping …");
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped before it was ready.");
    return 130;
}
catch (Exception e) when (e is InvalidOperationException or IOException)
{
    await Console.Error.WriteLineAsync($"{Environment.NewLine}{e.Message}");
    return 1;
}
finally
{
    Array.ForEach(signals, s => s.Dispose());
}

await Console.Error.WriteLineAsync("Stopped; the data stays in " + command.DataDirectory);
return 0;
