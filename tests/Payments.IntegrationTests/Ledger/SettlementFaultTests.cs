using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.Core;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Payments.Platform.Postgres;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>What goes wrong with one merchant, or with all, and what is told of it.</summary>
public sealed class SettlementFaultTests(EmbeddedServers servers)
{
    private static readonly DateTimeOffset Cut = TimeProvider.System.GetUtcNow().AddHours(-1);
    private static readonly DateOnly Today = DateOnly.FromDateTime(Cut.UtcDateTime);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_merchant_whose_settlement_throws_keeps_back_no_other_and_is_settled_when_it_does_not_any_more()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (log, broken, sound) = (new SettledLog(), Due(), Due());
        await CaptureAsync(books, log, broken, sound);
        await books.ExecuteAsync($"""
            CREATE FUNCTION ledger.break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
            CREATE TRIGGER break_it BEFORE INSERT ON ledger.settlement_batches FOR EACH ROW WHEN (NEW.merchant_id = '{broken.Merchant.Value}') EXECUTE FUNCTION ledger.break_it()
            """, Cancel);
        Assert.Equal([(broken, CutoffVerdict.Failed), (sound, CutoffVerdict.Closed)], await Batches(books, log).CloseAsync(Cut, [broken, sound], Cancel));
        Assert.Equal((0, 700), (await PayableAsync(books, broken), await PayableAsync(books, sound)));
        await books.ExecuteAsync("DROP TRIGGER break_it ON ledger.settlement_batches", Cancel);
        Assert.Equal([(broken, CutoffVerdict.Closed), (sound, CutoffVerdict.Closed)], await Batches(books, log).CloseAsync(Cut, [broken, sound], Cancel));
        Assert.Equal((700, 700), (await PayableAsync(books, broken), await PayableAsync(books, sound)));
    }

    [Fact]
    public async Task A_merchant_who_takes_longer_than_a_request_may_is_settled_all_the_same()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (log, due) = (new SettledLog(), Due());
        await CaptureAsync(books, log, due);
        // Both when it is gathered and when it is proven.
        await books.ExecuteAsync("""
            CREATE FUNCTION ledger.take_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$;
            CREATE TRIGGER take_long BEFORE INSERT ON ledger.settlement_batches FOR EACH ROW EXECUTE FUNCTION ledger.take_long();
            CREATE CONSTRAINT TRIGGER prove_long AFTER INSERT ON ledger.settlement_batches DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.take_long()
            """, Cancel);
        var connection = new NpgsqlConnectionStringBuilder(new ServiceRole(LedgerModule.DefaultRole).Apply(books.ConnectionString)) { CommandTimeout = 1 };
        await using var hasty = NpgsqlDataSource.Create(connection);
        var batches = new SettlementBatches(hasty, log, NullLogger<SettlementBatches>.Instance);
        Assert.Equal([(due, CutoffVerdict.Closed)], await batches.CloseAsync(Cut, [due], Cancel));
        Assert.Equal(700, await PayableAsync(books, due));
    }

    [Fact]
    public async Task Settlement_looks_its_rows_up_by_key_however_large_the_books_are()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (log, due, large) = (new SettledLog(), Due(), Due());
        await CaptureAsync(books, log, due, large);
        await books.ExecuteAsync($"""
            SET session_replication_role = replica;
            INSERT INTO ledger.movements SELECT (t.x).* FROM (
                SELECT jsonb_populate_record(m, jsonb_build_object('id', f.id, 'journal_id', f.id, 'credit_version', n + 1, 'debit_version', n + 100)) AS x
                FROM ledger.movements m JOIN ledger.accounts a ON a.id = m.credit_account_id AND a.owner = '{large.Merchant}', generate_series(1, 40000) n,
                    LATERAL (SELECT overlay(m.id::text PLACING lpad(to_hex(n), 12, '0') FROM 25) AS id) f) t;
            INSERT INTO ledger.journals SELECT (t.x).* FROM (
                SELECT jsonb_populate_record(j, jsonb_build_object('id', m.id, 'seq', 1000 + row_number() OVER (), 'event_seq', 1000 + row_number() OVER ())) AS x
                FROM ledger.journals j, ledger.movements m WHERE j.id = (SELECT id FROM ledger.journals ORDER BY id LIMIT 1) AND m.id = m.journal_id) t;
            SET session_replication_role = origin;
            ANALYZE
            """, Cancel);
        await log.ProveAsync(books, Cancel);
        await Batches(books, log).CloseAsync(Cut, [], Cancel);

        await using var connection = await books.Owner.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using var settle = new NpgsqlCommand("SELECT ledger.settle(gen_random_uuid(), a.id, $2, $3, current_date, 0, current_date, 0, 'EUR', NULL, 0) FROM ledger.accounts a WHERE a.owner = $1 AND a.kind = 'merchant_pending'", connection, transaction)
            .With(due.Merchant.ToString(), due.Merchant.Value, Cut.ToUniversalTime());
        Assert.IsType<Guid>(await settle.ExecuteScalarAsync(Cancel));
        await using var prove = new NpgsqlCommand("SET CONSTRAINTS ALL IMMEDIATE", connection, transaction);
        await prove.ExecuteNonQueryAsync(Cancel);
        await using var read = new NpgsqlCommand("""
            SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_xact_user_tables WHERE schemaname = 'ledger' AND relname ~ '^(journals|movements)'
            """, connection, transaction);
        Assert.Equal(0L, await read.ExecuteScalarAsync(Cancel));
    }

    [Fact]
    public async Task Health_and_its_metric_say_so_while_rounds_fail_and_not_what_the_last_good_one_found()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 14, events: 40);
        var (rounds, health) = (ledger.Get<SettlementRounds>(), ledger.Get<HealthCheckService>());
        var failing = new Dictionary<string, long>(StringComparer.Ordinal);
        using var listener = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Name == "payments.ledger.rounds.failing") { l.EnableMeasurementEvents(instrument); } } };
        // Other tests' ledgers tell of theirs at the same moment.
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var round = tags.ToArray().Single(t => t.Key == "round").Value!.ToString()!;
            failing[round] = Math.Max(value, failing.GetValueOrDefault(round));
        });
        listener.Start();
        async Task<(HealthStatus Status, string? Words)> Health()
        {
            var entry = (await health.CheckHealthAsync(r => r.Name == "settlement", Cancel)).Entries["settlement"];
            return (entry.Status, entry.Description);
        }

        await rounds.RoundAsync(Cancel);
        Assert.Equal(HealthStatus.Healthy, (await Health()).Status);
        await ledger.Books.ExecuteAsync("ALTER TABLE ledger.settlement_closings RENAME TO away", Cancel);
        await Assert.ThrowsAsync<PostgresException>(() => rounds.RoundAsync(Cancel));
        Assert.Empty(rounds.Waiting);
        var told = await Health();
        Assert.Equal(HealthStatus.Degraded, told.Status);
        Assert.Contains("42P01", told.Words, StringComparison.Ordinal);
        listener.RecordObservableInstruments();
        Assert.Contains(failing, f => f is { Key: "settlement", Value: 1 });

        await ledger.Books.ExecuteAsync("ALTER TABLE ledger.away RENAME TO settlement_closings", Cancel);
        await rounds.RoundAsync(Cancel);
        Assert.Equal(HealthStatus.Healthy, (await Health()).Status);
    }

    private static DueMerchant Due() => new(Mode.Test, LedgerDatabase.Ids.New<MerchantId>(), SettlementTerms.Default, Today);

    private static SettlementBatches Batches(LedgerDatabase books, SettledLog log) => new(books.Writer, log, NullLogger<SettlementBatches>.Instance);

    private static async Task CaptureAsync(LedgerDatabase books, SettledLog log, params DueMerchant[] merchants)
    {
        foreach (var merchant in merchants)
        {
            await SettlementTermsTests.PostAsync(books, log, merchant.Merchant, "EUR", LineKind.Capture, 700, Cut.AddMinutes(-1));
        }

        await log.ProveAsync(books, Cancel);
    }

    private static Task<long> PayableAsync(LedgerDatabase books, DueMerchant merchant) => SettlementTermsTests.BalanceAsync(books, merchant.Merchant, AccountKind.MerchantPayable, "EUR");
}
