using System.Net.Sockets;
using Npgsql;

namespace Payments.Platform.Postgres;

/// <summary>Tells a failure that says nothing about the request: what it needs is away, has no room, or was asked by too many at once.</summary>
public static class Outage
{
    /// <summary>
    /// No SQLSTATE is a broken connection. Classes: connection, rollback by concurrency, resources (disk full, too many connections),
    /// operator intervention (shut down, starting), system error; besides a lock that was not to be had, a server that became a standby, and
    /// a restriction of recovery (a log that is not open for writing yet).
    /// </summary>
    public static bool IsOne(Exception exception) => exception switch
    {
        PostgresException e => e.SqlState is ['0', '8', ..] or ['4', '0', ..] or ['5', '3' or '7' or '8', ..] or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.ObjectNotInPrerequisiteState,
        WriterOverloadedException or NpgsqlException or TimeoutException or HttpRequestException or SocketException => true,
        // Whoever asked has not gone away (the caller sees to that), so it was a time limit of ours: a connection or an answer that did not come.
        OperationCanceledException => true,
        _ => false,
    };

    /// <summary>
    /// Whatever comes of asking the database, for workers that try again in a while: the driver throws a bare <see cref="TimeoutException"/> where
    /// the first connection of a process is not open in time.
    /// </summary>
    public static bool OfDatabase(Exception exception) => exception is NpgsqlException or TimeoutException;
}
