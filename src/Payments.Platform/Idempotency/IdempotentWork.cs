using Npgsql;

namespace Payments.Platform.Idempotency;

/// <summary>One execution of a request that is executed once.</summary>
public sealed class IdempotentWork : IAsyncDisposable
{
    private readonly NpgsqlDataSource database;
    private NpgsqlConnection? connection;
    private NpgsqlTransaction? transaction;

    internal IdempotentWork(NpgsqlDataSource database, Guid subject)
    {
        this.database = database;
        Subject = subject;
    }

    /// <summary>
    /// A UUIDv7 that stays the same when another process takes over after a crash: make the new resource's id of it, so that calls to
    /// providers before the commit carry the same key again.
    /// </summary>
    public Guid Subject { get; }

    /// <summary>The transaction in which the response will be stored: write the resource in it. Begun on the first call, so call providers before.</summary>
    public async Task<NpgsqlTransaction> BeginAsync(CancellationToken cancellationToken)
    {
        connection ??= await database.OpenConnectionAsync(cancellationToken);
        return transaction ??= await connection.BeginTransactionAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (transaction is not null)
        {
            await transaction.DisposeAsync();
        }

        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }
}
