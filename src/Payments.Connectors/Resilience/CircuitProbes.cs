using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Payments.Connectors;

/// <summary>Asks the providers whose circuit is open whether they answer again. No customer's payment is risked to find out.</summary>
internal sealed class CircuitProbes(ConnectorRegistry registry, TimeProvider time, ILogger<CircuitProbes> logger) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await registry.ProbeDueAsync(logger, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Log.ProbesStopped(logger);
        }
    }
}
