using System.Collections.Concurrent;
using Npgsql;
using Payments.Core;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;
using Xunit;

namespace Payments.IntegrationTests.Events;

public sealed class OutboxWritingTests(EmbeddedServers servers) : IAsyncLifetime
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;
    private NpgsqlDataSource database = null!;

    public async ValueTask InitializeAsync() => database = await servers.DatabaseAsync(Cancelled, Plumbing.Outbox);

    public ValueTask DisposeAsync() => database.DisposeAsync();

    [Fact]
    public async Task Events_of_one_payment_are_numbered_in_order_of_version_whatever_their_order_in_the_batch()
    {
        var (first, second) = (EventSamples.Ids.New<PaymentId>(), EventSamples.Ids.New<PaymentId>());
        await database.AppendAsync(Cancelled,
            EventSamples.Captured(first, 3), EventSamples.Captured(second, 2), EventSamples.Authorized(first, 2), EventSamples.Authorized(second, 1));

        foreach (var payment in new[] { first, second })
        {
            Assert.Equal("payment.authorized,payment.captured", await database.ScalarAsync<string>(
                $"SELECT string_agg(type, ',' ORDER BY seq) FROM outbox WHERE subject = '{payment.Value}'", Cancelled));
            Assert.Equal(LogicalPartition.Of(payment), await database.ScalarAsync<int>(
                $"SELECT DISTINCT partition FROM outbox WHERE subject = '{payment.Value}'", Cancelled));
        }
    }

    [Fact]
    public async Task Concurrent_writers_leave_no_gap_and_a_reader_beyond_the_last_number_it_saw_misses_nothing()
    {
        const int Writers = 6;
        const int Batches = 60;
        var written = new ConcurrentBag<Guid>();
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(async () =>
        {
            var random = new Random(w);
            for (var b = 0; b < Batches; b++)
            {
                var payments = Enumerable.Range(0, random.Next(1, 12)).Select(_ => EventSamples.Ids.New<PaymentId>());
                var events = payments.SelectMany(p => new[] { EventSamples.Authorized(p), EventSamples.Captured(p) }).ToArray();
                await using var connection = await database.OpenConnectionAsync(Cancelled);
                await using var transaction = await connection.BeginTransactionAsync(Cancelled);
                await OutboxWriter.AppendAsync(connection, transaction, [.. events.Select(e => new TracedEvent(e, null))], Cancelled);
                if (random.Next(4) == 0)
                {
                    await transaction.RollbackAsync(Cancelled);
                    continue;
                }

                await transaction.CommitAsync(Cancelled);
                Array.ForEach(events, e => written.Add(e.Id.Value));
            }
        })));

        var read = new List<Guid>();
        var marks = new long[LogicalPartition.Count];
        bool last;
        do
        {
            last = writing.IsCompleted;
            for (var partition = 0; partition < marks.Length; partition++)
            {
                await using var command = database.CreateCommand("SELECT seq, id FROM outbox WHERE partition = $1 AND seq > $2 ORDER BY seq");
                command.Parameters.Add(new() { Value = partition });
                command.Parameters.Add(new() { Value = marks[partition] });
                await using var reader = await command.ExecuteReaderAsync(Cancelled);
                while (await reader.ReadAsync(Cancelled))
                {
                    Assert.Equal(++marks[partition], reader.GetInt64(0));
                    read.Add(reader.GetGuid(1));
                }
            }
        }
        while (!last);

        await writing;
        Assert.Equal(written.Order(), read.Order());
        Assert.Equal(marks.Sum(), (long)await database.ScalarAsync<decimal>("SELECT sum(seq) FROM outbox_heads", Cancelled));
    }

    [Theory]
    [InlineData("UPDATE outbox SET type = 'payment.failed'")]
    [InlineData("TRUNCATE outbox")]
    [InlineData("DELETE FROM outbox")]
    [InlineData("DELETE FROM outbox_heads")]
    [InlineData("TRUNCATE outbox_heads")]
    [InlineData("UPDATE outbox_heads SET seq = seq - 1 WHERE seq > 0")]
    [InlineData("UPDATE outbox_heads SET epoch = gen_random_uuid()")]
    public async Task The_log_cannot_be_changed(string sql)
    {
        await database.AppendAsync(Cancelled, EventSamples.Authorized(EventSamples.Ids.New<PaymentId>()));

        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(sql, Cancelled));

        Assert.Equal(PostgresErrorCodes.RestrictViolation, refused.SqlState);
        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE type = 'payment.authorized'", Cancelled));
    }

    [Fact]
    public async Task All_partitions_share_one_epoch_and_two_databases_never_do()
    {
        await using var other = await servers.DatabaseAsync(Cancelled, Plumbing.Outbox);
        const string Epochs = "SELECT string_agg(DISTINCT epoch::text, ',') FROM outbox_heads";

        var (mine, others) = (await database.ScalarAsync<string>(Epochs, Cancelled), await other.ScalarAsync<string>(Epochs, Cancelled));

        Assert.True(Guid.TryParse(mine, out _));
        Assert.True(Guid.TryParse(others, out _));
        Assert.NotEqual(mine, others);
    }

    [Fact]
    public async Task Expiry_removes_only_old_events_that_every_consumer_has_applied()
    {
        var payment = EventSamples.Ids.New<PaymentId>();
        for (var version = 1; version <= 4; version++)
        {
            await database.AppendAsync(Cancelled, EventSamples.Authorized(payment, version));
        }

        // Events of long ago exist only where triggers were off while they were made old.
        await database.ExecuteAsync("""
            BEGIN; ALTER TABLE outbox DISABLE TRIGGER outbox_no_change;
            UPDATE outbox SET recorded_at = now() - interval '36 days' WHERE seq <= 3;
            ALTER TABLE outbox ENABLE TRIGGER outbox_no_change; COMMIT
            """, Cancelled);
        await database.ExecuteAsync($"INSERT INTO outbox_consumers VALUES ('slow', {LogicalPartition.Of(payment)}, 1), ('fast', {LogicalPartition.Of(payment)}, 4)", Cancelled);

        Assert.Equal(1, await database.ScalarAsync<int>("SELECT outbox_expire(100)", Cancelled));
        Assert.Equal(0, await database.ScalarAsync<int>("SELECT outbox_expire(100)", Cancelled));
        await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync("DELETE FROM outbox WHERE seq = 2", Cancelled));

        await database.ExecuteAsync("UPDATE outbox_consumers SET seq = 4 WHERE consumer = 'slow'", Cancelled);

        Assert.Equal(1, await database.ScalarAsync<int>("SELECT outbox_expire(1)", Cancelled));
        Assert.Equal(1, await database.ScalarAsync<int>("SELECT outbox_expire(100)", Cancelled));
        Assert.Equal(4, await database.ScalarAsync<long>("SELECT min(seq) FROM outbox", Cancelled));
    }
}
