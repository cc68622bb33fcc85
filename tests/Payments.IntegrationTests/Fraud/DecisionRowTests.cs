using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Core.Seams;
using Payments.Fraud.Scoring;
using Payments.Fraud.Velocity;
using Payments.IntegrationTests.Fire;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

/// <summary>A decision is given before its row stands, nobody is given another one, and no more than a few rows are on their way.</summary>
public sealed class DecisionRowTests(EmbeddedServers servers) : IAsyncLifetime
{
    private const int MostFollowing = 256;

    private FraudHost fraud = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        fraud = await FraudHost.StartAsync(servers);
        await Eventually.BecomesTrueAsync("Redis counts", () => Task.FromResult(fraud.Services.GetRequiredService<VelocityCounters>().Trusted ? null : "not yet"), Cancel);
    }

    public ValueTask DisposeAsync() => fraud.DisposeAsync();

    [Fact]
    public async Task The_first_answer_does_not_wait_for_the_database_and_a_second_is_the_one_that_stands()
    {
        await using var holding = await HoldAsync();
        var question = FraudHost.Question();

        var first = await fraud.Scorer.ScoreAsync(question, Cancel);
        await fraud.ActivateAsync("amount >= 1", "reject", "everything");
        var second = fraud.Scorer.ScoreAsync(question, Cancel);
        Assert.Equal("Reject everything", Show(await fraud.Scorer.ScoreAsync(FraudHost.Question("b"), Cancel)));
        Assert.False(second.IsCompleted);

        await holding.DisposeAsync();
        Assert.Equal(("Approve ", "Approve "), (Show(first), Show(await second)));
        await CaughtUpAsync();
        Assert.Equal(2L, await fraud.QueryAsync<long>("SELECT count(*) FROM decisions"));
    }

    [Fact]
    public async Task No_more_than_a_few_hundred_are_given_without_their_rows_and_none_of_these_is_missing_later()
    {
        await using var holding = await HoldAsync();
        for (var i = 0; i < MostFollowing; i++)
        {
            await fraud.Scorer.ScoreAsync(FraudHost.Question(), Cancel);
        }

        var next = fraud.Scorer.ScoreAsync(FraudHost.Question(), Cancel);
        Assert.NotSame(next, await Task.WhenAny(next, Task.Delay(300, Cancel)));

        await holding.DisposeAsync();
        await next;
        await CaughtUpAsync();
        Assert.Equal(MostFollowing + 1L, await fraud.QueryAsync<long>("SELECT count(*) FROM decisions"));
    }

    [Fact]
    public async Task Rows_outlive_an_outage_of_the_database_and_during_it_nobody_is_given_a_decision()
    {
        // The server refuses this database, and ends who is connected to it.
        var name = await fraud.QueryAsync<string>("SELECT current_database()::text");
        await using var server = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(fraud.ConnectionString) { Database = "postgres", Pooling = false }.ConnectionString);
        await using var holding = await HoldAsync();
        var question = FraudHost.Question();
        var before = await fraud.Scorer.ScoreAsync(question, Cancel);
        await RunAsync(server, $"ALTER DATABASE {name} ALLOW_CONNECTIONS false");
        await RunAsync(server, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        await Eventually.BecomesTrueAsync(
            "nothing is decided without a database",
            async () =>
            {
                using var budget = new CancellationTokenSource(TimeSpan.FromSeconds(3));
                try
                {
                    return $"{await fraud.Scorer.ScoreAsync(FraudHost.Question(), budget.Token)}";
                }
                catch (Exception e) when (e is OperationCanceledException or NpgsqlException)
                {
                    return null;
                }
            },
            Cancel);

        await RunAsync(server, $"ALTER DATABASE {name} ALLOW_CONNECTIONS true");
        fraud.Database.Clear();
        await CaughtUpAsync();
        Assert.Equal("Approve ", Show(before));
        Assert.Equal(1L, await fraud.QueryAsync<long>($"SELECT count(*) FROM decisions WHERE payment_id = '{question.PaymentId.Value}' AND verdict = 'approve'"));
        Assert.Equal("Approve ", Show(await fraud.ScoreAsync(FraudHost.Question())));
    }

    private Task CaughtUpAsync() => fraud.Services.GetRequiredService<DecisionWriter>().CaughtUpAsync(TimeSpan.FromSeconds(60), Cancel);

    /// <summary>Until it is disposed, no row of a decision can be written.</summary>
    private async Task<NpgsqlConnection> HoldAsync()
    {
        var connection = new NpgsqlConnection(fraud.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Cancel);
        await using var hold = new NpgsqlCommand("BEGIN; LOCK TABLE decisions IN EXCLUSIVE MODE", connection);
        await hold.ExecuteNonQueryAsync(Cancel);
        return connection;
    }

    private static async Task RunAsync(NpgsqlDataSource server, string sql)
    {
        await using var command = server.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static string Show(FraudDecision decision) => $"{decision.Verdict} {string.Join(',', decision.Factors.Where(f => f != FraudScorer.FromDatabase))}";
}
