using Payments.AllInOne;
using Spectre.Console;

var command = CommandLine.Parse(args);
var console = AnsiConsole.Create(new AnsiConsoleSettings());
if (!console.Profile.Out.IsTerminal)
{
    console.Profile.Width = 200; // a log file has no edge to wrap at
}

using var signals = new StopSignals();
try
{
    await using var product = await Startup.RunAsync(command, console, signals.Token);
    var told = Task.Delay(Timeout.Infinite, signals.Token);
    if (await Task.WhenAny(told, product.ServiceEnded) != told)
    {
        throw new InvalidOperationException($"Service {await product.ServiceEnded} ended by itself; the log tells why: {product.LogFile}");
    }

    await Console.Error.WriteLineAsync("Stopping …");
}
catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped before it was ready.");
    return 130;
}
catch (Exception e) when (e is InvalidOperationException or IOException)
{
    await Console.Error.WriteLineAsync($"{Environment.NewLine}{e.Message}");
    return 1;
}

await Console.Error.WriteLineAsync("Stopped; the data stays in " + command.DataDirectory);
return 0;
