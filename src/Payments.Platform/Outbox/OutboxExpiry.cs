using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Platform.Postgres;

namespace Payments.Platform.Outbox;

/// <summary>Removes events after 35 days, never beyond a registered consumer; the rule itself stands in the database.</summary>
internal sealed class OutboxExpiry(NpgsqlDataSource database, IOptions<OutboxOptions> options, TimeProvider time, ILogger<OutboxExpiry> logger) : BackgroundService
{
    private const int AtMost = 5_000;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromSeconds(options.Value.ExpirySeconds), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                while (!stoppingToken.IsCancellationRequested && await ExpireAsync(stoppingToken) is var removed and > 0)
                {
                    OutboxLog.Expired(logger, removed);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (Outage.OfDatabase(e))
            {
                OutboxLog.NotExpired(logger, e);
            }
        }
    }

    private async Task<int> ExpireAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT outbox_expire($1)");
        command.Parameters.Add(new() { Value = AtMost });
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
