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

    /// <summary>Mode leads the indexes by time.</summary>
    private const string OfBothModes = "mode IN ('test', 'live') AND ";

    //  table, key, what its age counts from, days where they are not the configured ones, condition; what others refer to comes after them
    private static readonly (string Table, string Key, string Since, int? Days, string Condition)[] Signals =
    [
        ("second_looks", "payment_id, because_of", "at", null, OfBothModes),
        ("model_answers", "payment_id, kind", "at", null, OfBothModes),
        ("model_rows", "payment_id", "at", null, OfBothModes),
        ("labels", "payment_id, source", "known_at", null, OfBothModes),
        ("outcomes_to_tell", "event_id", "at", 30, ""), // Redis counts no older ones
        ("outcomes", "event_id", "at", null, OfBothModes),
        ("decisions", "payment_id", "decided_at", null, OfBothModes),
        ("attempts", "attempt", "at", null, OfBothModes),
    ];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(Interval, time, RoundAsync, e => Log.SignalsNotForgotten(logger, e.GetType().Name), stoppingToken);

    internal async Task RoundAsync(CancellationToken cancellationToken)
    {
        foreach (var (table, key, since, days, condition) in Signals)
        {
            int gone;
            do
            {
                await using var command = database.CreateCommand($"""
                    DELETE FROM {table} WHERE ({key}) IN (
                        SELECT {key} FROM {table} WHERE {condition}{since} < now() - $1 LIMIT {AtOnce})
                    """);
                command.Parameters.Add(new() { Value = TimeSpan.FromDays(days ?? options.Days) });
                gone = await command.ExecuteNonQueryAsync(cancellationToken);
            }
            while (gone == AtOnce);
        }
    }
}
