using Npgsql;
using Payments.Platform.Postgres;
using Xunit;

namespace Payments.IntegrationTests.Events;

/// <summary>Sessions go back to their pool as they are: a turn that one kept would be nobody's for as long as the pool keeps it.</summary>
public class SessionTurnTests(EmbeddedServers servers)
{
    private const long Turn = 0x7465737401;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_has_the_turn_at_a_time()
    {
        var connectionString = await servers.CreateDatabaseAsync(Token);
        await using var one = Source(connectionString);
        await using var other = Source(connectionString);

        var hadByOther = true;
        Assert.True(await SessionTurn.RunAsync(one, Turn, async (_, token) => hadByOther = await SessionTurn.RunAsync(other, Turn, Nothing, token), Token));

        Assert.False(hadByOther);
        Assert.True(await SessionTurn.RunAsync(other, Turn, Nothing, Token));
    }

    [Fact]
    public async Task A_turn_is_free_again_in_whatever_state_the_work_left_its_session()
    {
        var connectionString = await servers.CreateDatabaseAsync(Token);
        await using var one = Source(connectionString);
        await using var other = Source(connectionString);

        // A transaction that has failed takes no more questions, not even to give the turn back.
        await Assert.ThrowsAsync<PostgresException>(() => SessionTurn.RunAsync(
            one, Turn,
            async (connection, token) =>
            {
                await connection.BeginTransactionAsync(token);
                await using var fails = new NpgsqlCommand("SELECT 1 / 0", connection);
                await fails.ExecuteNonQueryAsync(token);
            },
            Token));

        // The session ends, and the server learns of it in a moment.
        while (!await SessionTurn.RunAsync(other, Turn, Nothing, Token))
        {
            await Task.Delay(20, Token);
        }

        Assert.True(await SessionTurn.RunAsync(one, Turn, Nothing, Token));
    }

    [Fact]
    public async Task A_session_that_was_killed_has_no_turn_any_more()
    {
        var connectionString = await servers.CreateDatabaseAsync(Token);
        await using var one = Source(connectionString);
        await using var other = Source(connectionString);

        await SessionTurn.RunAsync(
            one, Turn,
            async (connection, token) =>
            {
                await using var kill = other.CreateCommand("SELECT pg_terminate_backend($1)").With(connection.ProcessID);
                await kill.ExecuteNonQueryAsync(token);
            },
            Token);

        Assert.True(await SessionTurn.RunAsync(one, Turn, Nothing, Token));
    }

    private static NpgsqlDataSource Source(string connectionString) => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { NoResetOnClose = true });

    private static Task Nothing(NpgsqlConnection connection, CancellationToken cancellationToken) => Task.CompletedTask;
}
