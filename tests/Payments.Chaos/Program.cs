using System.Globalization;
using Payments.AllInOne;
using Payments.Chaos;
using Payments.Chaos.Judging;
using Payments.Chaos.KillPoints;
using Payments.Chaos.Processes;

if (args is [BrokerProcess.Verb, var port])
{
    return await BrokerProcess.ServeAsync(int.Parse(port, CultureInfo.InvariantCulture));
}

using var signals = new StopSignals();
try
{
    if (args is ["--kill-points"])
    {
        return KillPointTour.Report(await KillPointTour.RunAsync(KillPoint.All, Console.WriteLine, signals.Token)) ? 0 : 1;
    }

    var options = ChaosOptions.Parse(args);
    if (options.Judge is { } file)
    {
        var old = await Evidence.LoadAsync(file, signals.Token);
        return await Report.WriteAsync(options with { Evidence = Path.GetDirectoryName(file)! }, old, Verdict.Of(old), null, signals.Token);
    }

    var outcome = await ChaosRun.RunAsync(options, signals.Token);
    return await Report.WriteAsync(options, outcome.Evidence, outcome.Violations, outcome, signals.Token);
}
catch (ArgumentException e)
{
    await Console.Error.WriteLineAsync($"{e.Message} See ./chaos.sh --help");
    return 2;
}
catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped before there was a verdict; every process has been ended.");
    return 130;
}
catch (Exception e) when (e is InvalidOperationException or IOException or HttpRequestException)
{
    await Console.Error.WriteLineAsync($"{Environment.NewLine}The run could not be made: {e.Message}");
    return 3;
}
