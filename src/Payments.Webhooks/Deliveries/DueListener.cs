using System.Net.Sockets;
using Npgsql;
using Payments.Webhooks.Events;

namespace Payments.Webhooks.Deliveries;

/// <summary>Listens for commits that made deliveries due, from any replica, and wakes the dispatchers. Without it they poll.</summary>
public sealed class DueListener(NpgsqlDataSource database, IEnumerable<Dispatcher> dispatchers, TimeProvider time, ILogger<DueListener> logger) : BackgroundService
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(2);

    // Silence may also mean that the connection died unnoticed.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);
    private readonly Dispatcher[] woken = [.. dispatchers];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or SocketException or IOException)
            {
                Log.ListeningFailed(logger, e);
                await Task.Delay(AfterFailure, time, stoppingToken);
            }
        }
    }

    private async Task ListenAsync(CancellationToken stopping)
    {
        await using var connection = await database.OpenConnectionAsync(stopping);
        connection.Notification += (_, _) => Array.ForEach(woken, d => d.WakeUp.Signal());
        await using (var listen = new NpgsqlCommand($"LISTEN {EventStore.Channel}", connection))
        {
            await listen.ExecuteNonQueryAsync(stopping);
        }

        Array.ForEach(woken, d => d.WakeUp.Signal()); // for what came before we listened
        while (true)
        {
            if (!await connection.WaitAsync(LongestSilence, stopping))
            {
                await using var probe = new NpgsqlCommand("SELECT 1", connection);
                await probe.ExecuteNonQueryAsync(stopping);
            }
        }
    }
}
