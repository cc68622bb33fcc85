using System.Text.Json;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Flow;

public class CommitTests(EmbeddedServers servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static PreparedChange Prepared(FlowDatabase database, Change change) => PreparedChange.Of(change, database.Ids, TimeProvider.System);

    [Fact]
    public async Task A_payment_is_read_back_as_it_was_written()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);

        var captured = await database.CapturedAsync(database.Ids.New<MerchantId>(), "key-1");

        var read = await database.Store.FindAsync(PaymentKey.Of(captured), Token);
        Assert.Equal(Shown(captured), Shown(read!));
        Assert.Equal(2, await database.CountAsync("SELECT count(*) FROM outbox WHERE type IN ('payment.authorized', 'payment.captured')", Token));
    }

    [Fact]
    public async Task Neither_a_commit_nor_a_lookup_reads_the_names_that_providers_gave_to_other_payments()
    {
        const int others = 5_000;
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        await database.RunAsync(
            $"""
            INSERT INTO provider_references (provider, mode, reference, merchant_id, payment_id)
            SELECT 'stripe', 'test', 'pi_other_' || n, gen_random_uuid(), gen_random_uuid() FROM generate_series(1, {others}) AS n
            """,
            Token);

        Assert.Null(await database.Store.LocateAsync(Mode.Test, Provider.Stripe, "pi_nobody", "ch_nobody", null, null, Token));
        Assert.NotNull(await database.Store.LocateAsync(Mode.Test, Provider.Stripe, "ch_nobody", "pi_other_7", null, null, Token));
        await database.CapturedAsync(database.Ids.New<MerchantId>(), "key-1");

        // Sessions tell what they did in their own time.
        const string told = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'provider_references'";
        while (await database.CountAsync(told, Token) <= others)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
        }

        Assert.InRange(await database.CountAsync("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'provider_references'", Token), 0, others / 10);
    }

    [Fact]
    public async Task A_change_of_an_older_version_loses_and_the_others_of_its_batch_stand()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = database.Ids.New<MerchantId>();
        var captured = await database.CapturedAsync(merchant, "key-1");
        var other = await database.CapturedAsync(merchant, "key-2");
        var stale = Opening.Refund(captured, 1_000, FlowDatabase.Everything, database.New()).Payment!;
        await database.Writer.WriteAsync(Changes.Between(captured, stale, []));

        var verdicts = await database.Commit.WriteAsync(
            database.Ids.New<EventId>().Value,
            [
                Prepared(database, Changes.Between(captured, Opening.Refund(captured, 2_000, FlowDatabase.Everything, database.New()).Payment!, [])),
                Prepared(database, Changes.Between(other, Opening.Refund(other, 3_000, FlowDatabase.Everything, database.New()).Payment!, [])),
            ],
            Token);

        Assert.Equal([Verdict.Conflict, Verdict.Committed], verdicts);
        Assert.Equal(1_000, (await database.Store.FindAsync(PaymentKey.Of(captured), Token))!.Amounts.RefundPendingMinor);
        Assert.Equal(3_000, (await database.Store.FindAsync(PaymentKey.Of(other), Token))!.Amounts.RefundPendingMinor);
    }

    [Fact]
    public async Task One_key_belongs_to_one_request_also_within_a_batch()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = database.Ids.New<MerchantId>();
        var batch = Enumerable.Range(0, 5).Select(_ => Prepared(database, database.Opened(merchant, "same"))).ToList();

        var verdicts = await database.Commit.WriteAsync(database.Ids.New<EventId>().Value, batch, Token);
        var later = await database.Writer.WriteAsync(database.Opened(merchant, "same"));
        var elsewhere = await database.Writer.WriteAsync(database.Opened(database.Ids.New<MerchantId>(), "same"));

        Assert.Single(verdicts, Verdict.Committed);
        Assert.Equal(4, verdicts.Count(v => v == Verdict.KeyTaken));
        Assert.Equal(Verdict.KeyTaken, later);
        Assert.Equal(Verdict.Committed, elsewhere);
        Assert.Equal(2, await database.CountAsync("SELECT count(*) FROM payments", Token));
        Assert.Equal(2, await database.CountAsync("SELECT count(*) FROM attempts", Token));
    }

    [Fact]
    public async Task A_key_is_free_again_a_day_after_its_final_answer_and_never_before_there_is_one()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = database.Ids.New<MerchantId>();
        var running = database.Opened(merchant, "running");
        await database.Writer.WriteAsync(running);
        await database.CapturedAsync(merchant, "final");
        await database.RunAsync("UPDATE payment_requests SET started_at = now() - interval '10 days', finished_at = finished_at - interval '25 hours'", Token);

        Assert.Equal(Verdict.KeyTaken, await database.Writer.WriteAsync(database.Opened(merchant, "running")));
        Assert.Equal(Verdict.Committed, await database.Writer.WriteAsync(database.Opened(merchant, "final")));
    }

    [Fact]
    public async Task A_batch_whose_answer_was_lost_gives_its_verdicts_again_and_writes_nothing_twice()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = database.Ids.New<MerchantId>();
        var captured = await database.CapturedAsync(merchant, "key-1");
        var number = database.Ids.New<EventId>().Value;
        List<PreparedChange> batch =
        [
            Prepared(database, Changes.Between(captured, Opening.Refund(captured, 2_000, FlowDatabase.Everything, database.New()).Payment!, [])),
            Prepared(database, database.Opened(merchant, "key-1")),
            Prepared(database, database.Opened(merchant, "key-2")),
        ];

        var first = await database.Commit.WriteAsync(number, batch, Token);
        var again = await database.Commit.WriteAsync(number, batch, Token);

        Assert.Equal([Verdict.Committed, Verdict.KeyTaken, Verdict.Committed], first);
        Assert.Equal(first, again);
        Assert.Equal(2, await database.CountAsync("SELECT count(*) FROM payments", Token));
        Assert.Equal(1, await database.CountAsync("SELECT count(*) FROM operations WHERE kind = 'refund'", Token));
    }

    [Fact]
    public async Task Writers_whose_backend_is_killed_over_and_over_write_everything_once()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = database.Ids.New<MerchantId>();
        using var killing = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var struck = new TaskCompletionSource();
        var killer = KillBackendsAsync(database, struck, killing.Token);

        // The first batch is held up until it has met the killer.
        await using var apart = await database.Source.OpenConnectionAsync(Token);
        await using var holding = await apart.BeginTransactionAsync(Token);
        await using (var hold = new NpgsqlCommand("LOCK TABLE payments IN SHARE MODE", apart, holding))
        {
            await hold.ExecuteNonQueryAsync(Token);
        }

        var writing = Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            var change = database.Opened(merchant, $"key-{i}");
            Assert.Equal(Verdict.Committed, await database.Writer.WriteAsync(change));
            return await database.TellAsync(change.After, OperationKind.Authorize, FactOutcome.Succeeded);
        }));
        await struck.Task.WaitAsync(Token);
        await holding.CommitAsync(Token);
        var payments = await writing;
        await killing.CancelAsync();
        var killed = await killer;

        // A backend may be killed just after it answered: its connection then waits dead in the pool.
        database.Source.Clear();
        Assert.True(killed > 0, "at least one backend was killed");
        Assert.Equal(40, await database.CountAsync("SELECT count(*) FROM payments WHERE status = 'authorized' AND version = 2", Token));
        Assert.Equal(40, await database.CountAsync("SELECT count(*) FROM outbox", Token));
        Assert.Equal(40, await database.CountAsync("SELECT count(DISTINCT subject) FROM outbox", Token));
        Assert.Equal(40 * 10_000, await database.CountAsync("SELECT sum(amount)::bigint FROM merchant_volumes", Token));
        Assert.Equal(40, payments.Length);
    }

    [Fact]
    public async Task A_change_that_the_database_cannot_take_fails_alone()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = database.Ids.New<MerchantId>();

        var writes = Enumerable.Range(0, 20).Select(i => database.Writer.WriteAsync(i == 7 ? OfLastYear(database, merchant) : database.Opened(merchant, $"key-{i}"))).ToList();
        await Task.WhenAll(writes.Where((_, i) => i != 7));

        await Assert.ThrowsAsync<PostgresException>(() => writes[7]);
        Assert.Equal(19, await database.CountAsync("SELECT count(*) FROM payments", Token));
    }

    [Fact]
    public async Task A_monthly_limit_is_kept_to_the_cent_under_concurrency_and_what_comes_to_nothing_is_given_back()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = database.Ids.New<MerchantId>();
        var changes = Enumerable.Range(0, 30).Select(i => database.Opened(merchant, $"key-{i}", amount: 1_000, most: 10_500)).ToList();

        var verdicts = await Task.WhenAll(changes.Select(database.Writer.WriteAsync));
        var accepted = changes.Zip(verdicts).First(p => p.Second == Verdict.Committed).First;
        await database.TellAsync(accepted.After, OperationKind.Authorize, FactOutcome.Declined);
        var afterwards = await database.Writer.WriteAsync(database.Opened(merchant, "again", amount: 1_500, most: 10_500));

        Assert.Equal(10, verdicts.Count(v => v == Verdict.Committed));
        Assert.Equal(20, verdicts.Count(v => v == Verdict.OverLimit));
        Assert.Equal(Verdict.Committed, afterwards);
        Assert.Equal(11, await database.CountAsync("SELECT count(*) FROM payment_requests", Token));
    }

    [Theory]
    [InlineData("UPDATE payments SET capture_pending = authorized - captured + 1")]
    [InlineData("UPDATE payments SET refund_pending = captured + 1")]
    [InlineData("UPDATE payments SET authorized = 20000, void_pending = 1, capture_pending = 1")]
    [InlineData("UPDATE payments SET capture_reversed = captured + 1")]
    [InlineData("UPDATE operations SET suspense = 1")]
    public async Task The_database_itself_refuses_what_the_reservations_forbid(string sql)
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        await database.CapturedAsync(database.Ids.New<MerchantId>(), "key-1");

        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.RunAsync(sql, Token));

        Assert.Equal(PostgresErrorCodes.CheckViolation, refused.SqlState);
    }

    [Fact]
    public async Task Rows_live_in_the_partition_of_their_month_and_the_default_partitions_stay_empty()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        await database.CapturedAsync(database.Ids.New<MerchantId>(), "key-1");

        var month = FlowDatabase.Now().ToString("yyyy_MM", System.Globalization.CultureInfo.InvariantCulture);

        Assert.Equal(1, await database.CountAsync($"SELECT count(*) FROM payments_{month}", Token));
        Assert.Equal(2, await database.CountAsync($"SELECT count(*) FROM operations_{month}", Token));
        Assert.Equal(0, await database.CountAsync("SELECT (SELECT count(*) FROM payments_default) + (SELECT count(*) FROM attempts_default)", Token));
        Assert.Equal(0, await database.CountAsync("SELECT make_payment_partitions(3)::bigint", Token));
        Assert.Equal(6, await database.CountAsync("SELECT make_payment_partitions(5)::bigint", Token));
    }

    [Fact]
    public async Task The_time_of_an_id_and_its_bounds_agree_between_code_and_database()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var id = database.Ids.New<PaymentId>().Value;
        await using var command = database.Source.CreateCommand("SELECT uuid_time($1), uuid_floor(uuid_time($1)) <= $1, $2 >= uuid_floor($3), $2 <= $1");
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = Id.FirstAt(Id.TimeOf(id)) });
        command.Parameters.Add(new() { Value = Id.TimeOf(id) });
        await using var row = await command.ExecuteReaderAsync(Token);
        await row.ReadAsync(Token);

        Assert.Equal(Id.TimeOf(id), row.GetFieldValue<DateTimeOffset>(0));
        Assert.True(row.GetBoolean(1) && row.GetBoolean(2) && row.GetBoolean(3));
    }

    // Its id would put it into a partition of the past: the database refuses, and with it the whole batch.
    private static Change OfLastYear(FlowDatabase database, MerchantId merchant)
    {
        var change = database.Opened(merchant, "key-7");
        return change with { After = change.After with { Id = new PaymentId(Id.FirstAt(FlowDatabase.Now().AddYears(-1))) } };
    }

    private static string Shown(PaymentState payment) => JsonSerializer.Serialize(
        new
        {
            View = payment.View(),
            payment.Details,
            payment.HeldForReview,
            Operations = payment.Operations.Select(o => new { o.Id, o.Kind, o.State, o.AmountMinor, o.SuspenseMinor, o.ReleasedMinor, o.Final, o.Origin, o.Reason, o.Fees, o.RequestKey, o.CreatedAt, o.ChangedAt, Attempts = o.Attempts.Select(a => a with { OpenedAt = default }) }),
        },
        Json.Options);

    private static async Task<int> KillBackendsAsync(FlowDatabase database, TaskCompletionSource struck, CancellationToken cancellationToken)
    {
        // So often, and no more: on a busy machine a commit may take longer than any pause between two kills.
        const int often = 25;
        var killed = 0;
        await using var apart = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false, ApplicationName = "killer" });
        while (!cancellationToken.IsCancellationRequested && killed < often)
        {
            await using var command = apart.CreateCommand("""
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT write_changes%'
                """);
            killed += (int)(long)(await command.ExecuteScalarAsync(CancellationToken.None))!;
            if (killed > 0)
            {
                struck.TrySetResult();
            }

            await Task.Delay(50, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return killed;
    }
}
