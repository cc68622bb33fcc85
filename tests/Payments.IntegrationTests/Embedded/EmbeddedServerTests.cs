using Confluent.Kafka;
using Npgsql;
using Payments.AllInOne.Embedded;
using Xunit;

namespace Payments.IntegrationTests.Embedded;

public sealed class EmbeddedServerTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_committed_row_survives_a_kill_of_postgres()
    {
        await using var server = await PostgresServer.StartAsync(new() { Directory = servers.CreateDirectory(), Password = "pass'word \"x\"" }, Cancel);
        await using var database = NpgsqlDataSource.Create(await server.CreateDatabaseAsync("kept", Cancel));
        await ExecuteAsync(database, "CREATE TABLE kept (value integer)");
        await ExecuteAsync(database, "INSERT INTO kept (value) VALUES (42)");

        await server.KillAsync();
        await server.StartAsync(Cancel);
        database.Clear(); // its pooled connections are those of the killed server

        Assert.Equal(42, await ScalarAsync(database, "SELECT value FROM kept"));
        Assert.Equal("on", await ScalarAsync(database, "SHOW fsync"));
        Assert.Equal("on", await ScalarAsync(database, "SHOW synchronous_commit"));
    }

    [Fact]
    public async Task A_server_left_behind_by_an_earlier_run_is_replaced_and_its_data_kept()
    {
        var directory = servers.CreateDirectory();
        var left = await PostgresServer.StartAsync(new() { Directory = directory, Password = "p" }, Cancel);
        var leftRedis = await RedisServer.StartAsync(new() { Directory = directory, Password = "p" }, Cancel);
        var (oldPostgres, oldRedis) = (left.ProcessId!.Value, leftRedis.ProcessId!.Value);
        await using (var database = NpgsqlDataSource.Create(await left.CreateDatabaseAsync("kept", Cancel)))
        {
            await ExecuteAsync(database, "CREATE TABLE kept AS SELECT 7 AS value");
        }

        leftRedis.Pause(); // a hung one must go too

        await using var postgres = await PostgresServer.StartAsync(new() { Directory = directory, Port = left.Port, Password = "p" }, Cancel);
        await using var redis = await RedisServer.StartAsync(new() { Directory = directory, Port = leftRedis.Port, Password = "p" }, Cancel);

        Assert.NotEqual(oldPostgres, postgres.ProcessId);
        Assert.NotEqual(oldRedis, redis.ProcessId);
        await using var kept = NpgsqlDataSource.Create(postgres.ConnectionString("kept"));
        Assert.Equal(7, await ScalarAsync(kept, "SELECT value FROM kept"));
    }

    [Fact]
    public async Task Postgres_runs_below_a_closed_directory_with_blanks_quotes_and_umlauts()
    {
        var closed = Directory.CreateDirectory(Path.Combine(servers.CreateDirectory(), "geschlossen"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var directory = closed.CreateSubdirectory("it's \"größer\" & $HOME `x`").FullName;

        await using var server = await PostgresServer.StartAsync(new() { Directory = directory, Password = "p" }, Cancel);
        await using var redis = await RedisServer.StartAsync(new() { Directory = directory, Password = "p" }, Cancel);

        await using var database = NpgsqlDataSource.Create(server.ConnectionString("postgres"));
        Assert.Equal(1, await ScalarAsync(database, "SELECT 1"));
    }

    [Fact]
    public async Task A_wrong_password_is_refused_by_postgres()
    {
        var right = await servers.CreateDatabaseAsync(Cancel);
        await using var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(right) { Password = "wrong" }.ConnectionString);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => ScalarAsync(database, "SELECT 1"));

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task Redis_keeps_its_data_over_a_restart_and_loses_it_by_a_flush()
    {
        await using var server = await RedisServer.StartAsync(new() { Directory = servers.CreateDirectory(), Password = "p" }, Cancel);
        using (var connection = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(server.ConnectionString))
        {
            await connection.GetDatabase().StringSetAsync("key", "value");
        }

        await server.StopAsync();
        await server.StartAsync(Cancel);
        using var again = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.Equal("value", (string?)await again.GetDatabase().StringGetAsync("key"));

        await server.FlushAsync(Cancel);
        Assert.Null((string?)await again.GetDatabase().StringGetAsync("key"));
    }

    [Fact]
    public async Task A_paused_redis_answers_again_when_resumed()
    {
        await using var server = await RedisServer.StartAsync(new() { Directory = servers.CreateDirectory(), Password = "p" }, Cancel);
        using var connection = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(server.ConnectionString + ",syncTimeout=20000");
        await connection.GetDatabase().PingAsync();

        server.Pause();
        var answer = connection.GetDatabase().StringSetAsync("key", "value");
        await Task.Delay(TimeSpan.FromMilliseconds(300), Cancel);
        Assert.False(answer.IsCompleted);

        server.Resume();
        Assert.True(await answer.WaitAsync(TimeSpan.FromSeconds(120), Cancel));
    }

    [Fact]
    public async Task A_wiped_broker_is_empty_at_the_same_address_and_its_clients_carry_on()
    {
        await using var broker = KafkaBroker.Start(new Dictionary<string, int> { ["events"] = 4 });
        using var producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = broker.BootstrapServers }).Build();
        using var consumer = Consumer(broker, "group");
        consumer.Subscribe("events");

        await producer.ProduceAsync("events", new() { Key = "a", Value = "before" }, Cancel);
        Assert.Equal("before", Next(consumer));

        var address = broker.BootstrapServers;
        broker.Wipe();
        Assert.Equal(address, broker.BootstrapServers);

        // A client that was connected before finds the new broker by itself.
        await producer.ProduceAsync("events", new() { Key = "a", Value = "after" }, Cancel);
        using var newcomer = Consumer(broker, "newcomers");
        newcomer.Subscribe("events");
        Assert.Equal("after", Next(newcomer));
    }

    private static IConsumer<string, string> Consumer(KafkaBroker broker, string group) =>
        new ConsumerBuilder<string, string>(new ConsumerConfig { BootstrapServers = broker.BootstrapServers, GroupId = group, AutoOffsetReset = AutoOffsetReset.Earliest }).Build();

    private static string? Next(IConsumer<string, string> consumer) => consumer.Consume(TimeSpan.FromSeconds(120))?.Message.Value;

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static async Task<object?> ScalarAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }
}
