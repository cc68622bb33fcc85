using System.ComponentModel.DataAnnotations;
using Npgsql;
using Payments.Platform;

namespace Payments.Fraud;

/// <summary><c>Payments:Fraud:Retention</c></summary>
public sealed class RetentionOptions
{
    public const string Section = "Payments:Fraud:Retention";

    /// <summary>Fraud signals are needed for two years: chargebacks, training and disputes look back.</summary>
    [Range(60, 3_650)]
    public int Days { get; set; } = 730;
}

/// <summary>
/// Forgets fraud signals beyond their time, some thousands at once. That a card has bought somewhere (<c>purchases</c>) is kept: without
/// it an old customer would be a new one.
/// </summary>
internal sealed class Retention(NpgsqlDataSource database, RetentionOptions options, TimeProvider time, ILogger<Retention> logger) : BackgroundService
{
    private const int AtOnce = 5_000;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    //  table, key, what its age counts from; what others refer to comes after them
    private static readonly (string Table, string Key, string Since)[] Signals =
    [
        ("second_looks", "payment_id, because_of", "at"),
        ("model_answers", "payment_id, kind", "at"),
        ("model_rows", "payment_id", "at"),
        ("labels", "payment_id, source", "known_at"),
        ("outcomes_to_tell", "event_id", "at"),
        ("outcomes", "event_id", "at"),
        ("decisions", "payment_id", "decided_at"),
        ("attempts", "attempt", "at"),
    ];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(Interval, time, RoundAsync, e => Log.SignalsNotForgotten(logger, e.GetType().Name), stoppingToken);

    internal async Task RoundAsync(CancellationToken cancellationToken)
    {
        foreach (var (table, key, since) in Signals)
        {
            int gone;
            do
            {
                // Mode leads the indexes by time where there is one.
                var ofAnyMode = table == "outcomes_to_tell" ? "" : "mode IN ('test', 'live') AND ";
                await using var command = database.CreateCommand($"""
                    DELETE FROM {table} WHERE ({key}) IN (
                        SELECT {key} FROM {table} WHERE {ofAnyMode}{since} < now() - $1 LIMIT {AtOnce})
                    """);
                command.Parameters.Add(new() { Value = TimeSpan.FromDays(options.Days) });
                gone = await command.ExecuteNonQueryAsync(cancellationToken);
            }
            while (gone == AtOnce);
        }
    }
}
