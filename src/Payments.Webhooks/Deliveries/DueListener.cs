using System.Net.Sockets;
using Npgsql;
using Payments.Platform.Postgres;
using Payments.Webhooks.Events;

namespace Payments.Webhooks.Deliveries;

/// <summary>
/// Listens for commits that made deliveries due, from any replica, and wakes the dispatchers; without it they poll. A commit that names a lease
/// tells the process whose lease it is that what it handed over stands.
/// </summary>
public sealed class DueListener(NpgsqlDataSource database, HandOver handOver, IEnumerable<Dispatcher> dispatchers, TimeProvider time, ILogger<DueListener> logger) : BackgroundService
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
            catch (Exception e) when (Outage.OfDatabase(e) || e is SocketException or IOException)
            {
                Log.ListeningFailed(logger, e);
                await Task.Delay(AfterFailure, time, stoppingToken);
            }
        }
    }

    private async Task ListenAsync(CancellationToken stopping)
    {
        await using var connection = await database.OpenConnectionAsync(stopping);
        connection.Notification += (_, told) => Hear(told.Payload);
        await using (var listen = new NpgsqlCommand($"LISTEN {EventStore.Channel}", connection))
        {
            await listen.ExecuteNonQueryAsync(stopping);
        }

        Hear(""); // what came before we listened
        handOver.Open(true);
        try
        {
            while (true)
            {
                if (!await connection.WaitAsync(LongestSilence, stopping))
                {
                    await using var probe = new NpgsqlCommand("SELECT 1", connection);
                    await probe.ExecuteNonQueryAsync(stopping);
                }
            }
        }
        finally
        {
            handOver.Open(false);
        }
    }

    private void Hear(string payload)
    {
        if (Guid.TryParse(payload, out var lease))
        {
            handOver.Committed(lease);
        }
        else
        {
            Array.ForEach(woken, d => d.WakeUp.Signal());
        }
    }
}
