using Npgsql;

namespace Payments.Platform.Postgres;

/// <summary>
/// Work that one of all replicas does at a time. The turn is an advisory lock of a session, so it ends with the process at the latest; what may not be done
/// twice needs more than that.
/// </summary>
public static class SessionTurn
{
    /// <param name="turn">Names the work, in this database.</param>
    /// <param name="work">Its connection keeps the turn, and may be used.</param>
    /// <returns>Whether it was this process's turn, and the work was done.</returns>
    public static async Task<bool> RunAsync(NpgsqlDataSource database, long turn, Func<NpgsqlConnection, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(work);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            if (!await TakeAsync(connection, turn, cancellationToken))
            {
                return false;
            }

            await work(connection, cancellationToken);
            return true;
        }
        finally
        {
            await GiveBackAsync(database, connection);
        }
    }

    /// <summary>Whoever asks gives back by <see cref="GiveBackAsync"/>, also where this throws: it may have been granted and the answer lost.</summary>
    public static async Task<bool> TakeAsync(NpgsqlConnection connection, long turn, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection) { Parameters = { new() { Value = turn } } };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Gives back whatever turns the session has. One that cannot be asked to ends, and its turns with it: the pool passes sessions on as they are.</summary>
    public static async Task GiveBackAsync(NpgsqlDataSource database, NpgsqlConnection connection)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(connection);
        try
        {
            await using var release = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection);
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException or ObjectDisposedException)
        {
            database.Clear();
        }
    }
}
