using Payments.AllInOne.Embedded;
using Payments.Bench.Decisions;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

/// <summary>The fraud service against a card testing, on a PostgreSQL and Redis of its own, at the time of the stream.</summary>
public sealed class CardTestingTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_card_testing_is_stopped_after_the_first_five_of_an_address_and_honest_customers_hardly_notice()
    {
        var redises = new List<RedisServer>();
        try
        {
            var plan = new AttackPlan(Attempts: 5_000, Addresses: 20, PaymentsPerDay: 20_000, Hours: 2, Before: .5);
            var table = await AttackTrial.RunAsync(plan, NewAsync, TimeProvider.System.GetUtcNow(), TextWriter.Null, Cancel);

            var shown = string.Join(Environment.NewLine, table.Lines());
            TestContext.Current.SendDiagnosticMessage(shown);
            Assert.Equal((5_000, 20, 100), (table.Attempts, table.Addresses, table.First));
            Assert.True(table.Good > 1_500, shown);
            Assert.True(table.StoppedShare >= .99, shown);
            Assert.True(table.HinderedShare <= .005, shown);
        }
        finally
        {
            foreach (var redis in redises)
            {
                await redis.DisposeAsync();
            }
        }

        async Task<RigServers> NewAsync()
        {
            var directory = servers.CreateDirectory();
            var redis = await RedisServer.StartAsync(new() { Directory = directory, Password = "only-for-tests" }, Cancel);
            redises.Add(redis);
            return new(directory, await servers.CreateDatabaseAsync(Cancel), redis.ConnectionString);
        }
    }
}
