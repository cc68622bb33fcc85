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
        if (!await CallAsync(connection, "pg_try_advisory_lock", turn, cancellationToken))
        {
            return false;
        }

        try
        {
            await work(connection, cancellationToken);
        }
        finally
        {
            await CallAsync(connection, "pg_advisory_unlock", turn, CancellationToken.None);
        }

        return true;
    }

    private static async Task<bool> CallAsync(NpgsqlConnection connection, string function, long turn, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {function}($1)", connection) { Parameters = { new() { Value = turn } } };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
