using System.Net.Sockets;
using Npgsql;

namespace Payments.Platform.Inbox;

/// <summary>Tells a failure that will pass, or concerns every event, from one that belongs to an event.</summary>
internal static class Failure
{
    /// <summary>
    /// Classes of SQLSTATE that say nothing about the event: connection, authorization, missing schema, rollback by
    /// concurrency, wrong statement or missing table (a migration is due), resources, not now, cancelled, system.
    /// </summary>
    private static readonly string[] NotTheEvents = ["08", "28", "3D", "3F", "40", "42", "53", "55", "57", "58", "XX", "25"];

    public static bool Passes(Exception failure) => failure switch
    {
        PostgresException e => NotTheEvents.Contains(e.SqlState[..2]),
        NpgsqlException or TimeoutException or IOException or SocketException or HttpRequestException or OperationCanceledException => true,
        _ => false,
    };

    /// <summary>What may be kept and shown of a failure: no details, which repeat column values.</summary>
    public static string Describe(Exception failure)
    {
        var text = failure is PostgresException postgres
            ? $"{postgres.SqlState} {postgres.MessageText}"
            : $"{failure.GetType().Name}: {failure.Message}";
        return text.Length <= 500 ? text : text[..500];
    }
}
