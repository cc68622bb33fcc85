using Payments.TrafficGenerator;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
return Commands.Run(args, Console.Out, Console.Error, stop.Token);
