using System.Net;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Events;
using Payments.IntegrationTests.Fire;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Ledger.Closing;
using Payments.Ledger.Controls;
using Payments.Platform.Postgres;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class RetirementTests(EmbeddedServers servers)
{
    private const int KeepAll = 1_200;
    private const int Keep = 3;
    private const int Retired = 4; // of the six months written, those whose end is three months past

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Balances_at_all_times_are_the_same_before_closing_after_closing_and_after_retirement()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var months = await VirtualMonths.WriteAsync(books, seed: 51, Cancel);
        await ModelCheck.HoldsAsync(books, Cancel, clockSteppedBack: true);
        var told = await months.FromMovementsAsync();
        var folded = await books.FoldedAsync(Cancel);
        Assert.Equal(told, await months.AsAnsweredAsync(DateTime.MinValue));

        // Closed: the balances come from closings and less than a month of movements.
        await using var ledger = await LedgerService.StartAsync(servers, books, KeepAll);
        await CompareWithEventsAsync(books);
        await MonthsAsync(ledger, m => m.GetProperty("data").GetArrayLength() >= VirtualMonths.Count);
        Assert.Equal(told, await months.AsAnsweredAsync(DateTime.MinValue));
        await CleanAsync(ledger);
        var journals = await books.ValueAsync<long>("SELECT count(*) FROM ledger.journals", Cancel);
        var trials = new List<(DateTime At, string Answer)>();
        foreach (var at in months.Moments)
        {
            trials.Add((at, (await ledger.GetAsync($"/internal/v1/ops/trial_balance?at={at:yyyy-MM-ddTHH:mm:ss.ffffffZ}")).GetProperty("data").ToString()));
        }

        // Retired: everything from the horizon on is as it was, and nothing before it is guessed.
        await SettledAsync(books);
        await RestartAsync(ledger, Keep);
        var answer = await MonthsAsync(ledger, m => m.GetProperty("data").EnumerateArray().Count(d => d.GetProperty("retired").ValueKind == JsonValueKind.Object) == Retired);
        var horizon = answer.GetProperty("horizon_at").GetDateTimeOffset().UtcDateTime;
        Assert.InRange(horizon, months.Month(Retired).AddMinutes(-1), months.Month(Retired));
        Assert.True(await books.ValueAsync<long>("SELECT count(*) FROM ledger.journals", Cancel) < journals / 2);
        Assert.True(answer.GetProperty("data").EnumerateArray().Where(d => d.GetProperty("retired").ValueKind == JsonValueKind.Object)
            .Sum(d => d.GetProperty("retired").GetProperty("carried_journals").GetInt64()) > 0, "Some journals of retired months were posted later.");
        Assert.Equal(told.Where(t => t.At >= horizon), await AnswerableAsync(books, months, horizon, told));
        Assert.Equal(folded, await books.FoldedAsync(Cancel));
        await AskedOverHttpAsync(ledger, horizon, trials);
        await CleanAsync(ledger);

        // Life goes on: also payments whose authorization was retired, and whose holds are known all the same.
        var posted = months.World.History.Count;
        while (months.World.History.Count < posted + 60)
        {
            months.World.Step();
        }

        await books.PostAsync(books.Drafts(months.World.History.Skip(posted)), Cancel);
        var oracle = LedgerDatabase.Text(months.World.Balances);
        Assert.Equal(oracle, Without(await books.FoldedAsync(Cancel), "SEK"));
        Assert.Equal(LedgerDatabase.Text(months.World.Held), await books.HeldAsync(Cancel));
        await CleanAsync(ledger);
    }

    [Fact]
    public async Task Partitions_leave_the_books_by_retirement_alone()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var months = await VirtualMonths.WriteAsync(books, seed: 53, Cancel);
        var first = $"{months.Month(0):yyyy_MM}";
        string[] attempts =
        [
            $"DROP TABLE ledger.journals_{first}", $"DROP TABLE ledger.movements_{first}", $"DROP TABLE ledger.pending_transfers_{first}", $"DROP TABLE ledger.movements CASCADE",
            $"ALTER TABLE ledger.journals DETACH PARTITION ledger.journals_{first}", "DROP TABLE ledger.journals_default", "DROP SCHEMA ledger CASCADE",
            "DROP TABLE ledger.closing_balances CASCADE", "DROP TABLE ledger.opening_holds", "DROP TABLE ledger.closings CASCADE",
        ];
        foreach (var attempt in attempts)
        {
            Assert.Equal((attempt, PostgresErrorCodes.RestrictViolation), (attempt, await RefusalAsync(books.Owner, attempt)));
        }

        // Neither who posts nor who retires may do the other's work, and a month that was not closed, or is too young, stays.
        var retire = $"SELECT ledger.retire_month('{months.Month(0):yyyy-MM-dd}', {Keep}, NULL)";
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusalAsync(books.Writer, retire));
        await using var retirer = NpgsqlDataSource.Create(new ServiceRole(LedgerModule.DefaultRetirementRole).Apply(books.ConnectionString));
        foreach (var attempt in new[] { $"DROP TABLE ledger.journals_{first}", "DELETE FROM ledger.journals", "UPDATE ledger.balances SET version = 0", "SELECT ledger.draft_closing('2026-01-01')" })
        {
            Assert.Equal((attempt, PostgresErrorCodes.InsufficientPrivilege), (attempt, await RefusalAsync(retirer, attempt)));
        }

        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, await RefusalAsync(retirer, retire));
        await using var ledger = await LedgerService.StartAsync(servers, books, KeepAll);
        await MonthsAsync(ledger, m => m.GetProperty("data").GetArrayLength() >= VirtualMonths.Count);
        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, await RefusalAsync(retirer, $"SELECT ledger.retire_month('{months.Month(0):yyyy-MM-dd}', 24, NULL)"));
        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, await RefusalAsync(retirer, $"SELECT ledger.retire_month('{months.Month(1):yyyy-MM-dd}', {Keep}, NULL)"));

        // Not compared with its events yet; then with a finding open.
        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, await RefusalAsync(retirer, retire));
        await CompareWithEventsAsync(books);
        await books.ExecuteAsync("INSERT INTO ledger.findings (kind, subject, detail) VALUES ('posting_conflict', 'one', 'planted')", Cancel);
        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, await RefusalAsync(retirer, retire));
        await books.ExecuteAsync("UPDATE ledger.findings SET resolved_at = now()", Cancel);

        // Not settled yet: what goes with the month would never be paid.
        var unsettled = await Assert.ThrowsAsync<PostgresException>(() => books.ExecuteAsync(
            $"INSERT INTO ledger.retired_months (month, journals, movements, pending_transfers, carried_journals) VALUES ('{months.Month(0):yyyy-MM-dd}', 0, 0, 0, 0)", Cancel));
        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, unsettled.SqlState);
        Assert.Contains("in no settlement", unsettled.MessageText, StringComparison.Ordinal);
        await SettledAsync(books);
        Assert.Null(await books.ValueAsync<object>($"SELECT ledger.unsettled_in('{months.Month(0):yyyy-MM-dd}')", Cancel));

        // The running ledger's controls may be reading the month; its own round comes again too, as this does.
        await Eventually.BecomesTrueAsync("the month retires", RetiredAsync, Cancel);

        // What is left of it cannot be dropped either, and takes nothing new.
        Assert.Equal(PostgresErrorCodes.RestrictViolation, await RefusalAsync(books.Owner, "DROP TABLE ledger.journals_retired"));
        var payment = new PaymentLife(new IdSource(new At(months.Month(0).AddDays(3))), months.Month(0).AddDays(3));
        var again = books.Draft(payment.Of(PaymentEventTypes.Refunded, OperationKind.Refund, OperationState.Succeeded, 5))!;
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => books.PostAsync([again], Cancel));
        Assert.Equal(PostgresErrorCodes.RestrictViolation, refusal.SqlState);
        await CleanAsync(ledger);

        async Task<string?> RetiredAsync()
        {
            var refused = await RefusalAsync(retirer, retire);
            Assert.True(refused is null or PostgresErrorCodes.LockNotAvailable, refused);
            return refused;
        }
    }

    [Fact]
    public async Task A_retirement_that_is_killed_before_it_commits_has_changed_nothing_and_can_be_repeated()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var months = await VirtualMonths.WriteAsync(books, seed: 54, Cancel);
        await using var ledger = await LedgerService.StartAsync(servers, books, KeepAll);
        await MonthsAsync(ledger, m => m.GetProperty("data").GetArrayLength() >= VirtualMonths.Count);
        await CompareWithEventsAsync(books);
        await SettledAsync(books);
        var before = (await months.AsAnsweredAsync(DateTime.MinValue), await TablesAsync(books));
        await using var retirer = NpgsqlDataSource.Create(new ServiceRole(LedgerModule.DefaultRetirementRole).Apply(books.ConnectionString));
        await using (var connection = await retirer.OpenConnectionAsync(Cancel))
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await using var retire = new NpgsqlCommand($"SELECT ledger.retire_month('{months.Month(0):yyyy-MM-dd}', {Keep}, NULL)", connection, transaction);
            Assert.True((long)(await retire.ExecuteScalarAsync(Cancel))! > 0);
            Assert.True(await books.ValueAsync<bool>("SELECT pg_terminate_backend($1, 5000)", Cancel, connection.ProcessID));
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => transaction.CommitAsync(Cancel));
        }

        Assert.Equal(before.Item2, await TablesAsync(books));
        Assert.Equal(before.Item1, await months.AsAnsweredAsync(DateTime.MinValue));
        await ModelCheck.HoldsAsync(books, Cancel, clockSteppedBack: true);
        await RestartAsync(ledger, Keep);
        await MonthsAsync(ledger, m => m.GetProperty("data").EnumerateArray().Count(d => d.GetProperty("retired").ValueKind == JsonValueKind.Object) == Retired);
        await CleanAsync(ledger);
    }

    [Fact]
    public async Task A_changed_closing_or_a_changed_closed_month_is_named_and_nothing_is_retired()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var months = await VirtualMonths.WriteAsync(books, seed: 55, Cancel);
        await using var ledger = await LedgerService.StartAsync(servers, books, KeepAll);
        await MonthsAsync(ledger, m => m.GetProperty("data").GetArrayLength() >= VirtualMonths.Count);
        await CompareWithEventsAsync(books);
        var month = $"{months.Month(1):yyyy-MM}";

        // Whoever changes an opening balance and hashes anew lacks the key.
        await ledger.TamperAsync($"""
            UPDATE ledger.closing_balances SET credits = credits + 1, debits = debits + 1 WHERE month = '{month}-01';
            UPDATE ledger.closings SET hash = ledger.closing_hash(month, cut_at, journals, movements, pending_transfers, previous_hash) WHERE month = '{month}-01';
            UPDATE ledger.closings n SET previous_hash = b.hash FROM ledger.closings b WHERE b.month = '{month}-01' AND n.month = '{months.Month(2):yyyy-MM-dd}';
            """);
        var broken = (await ledger.Get<Closings>().VerifyAsync(Cancel)).Select(f => (f.Kind, f.Subject)).ToList();
        Assert.Contains((Closings.Broken, month), broken);
        var chain = await ledger.GetAsync("/internal/v1/ops/chain/verify");
        Assert.False(chain.GetProperty("intact").GetBoolean());
        Assert.StartsWith(month, chain.GetProperty("broken_closings")[0].GetString(), StringComparison.Ordinal);
        await RestartAsync(ledger, Keep);
        var report = await ledger.FindingAsync(Closings.Broken);
        Assert.Contains(report.GetProperty("findings").EnumerateArray(), f => f.GetProperty("subject").GetString() == month);
        Assert.Equal(JsonValueKind.Null, (await ledger.GetAsync("/internal/v1/ops/months")).GetProperty("horizon_at").ValueKind);
    }

    [Fact]
    public async Task Closed_months_are_read_again_in_turn_and_a_tampered_one_stays_a_finding_until_it_is_mended()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var months = await VirtualMonths.WriteAsync(books, seed: 56, Cancel);
        await using var ledger = await LedgerService.StartAsync(servers, books, KeepAll);
        var closed = (await MonthsAsync(ledger, m => m.GetProperty("data").GetArrayLength() >= VirtualMonths.Count)).GetProperty("data").GetArrayLength();
        await books.ExecuteAsync("DELETE FROM ledger.month_audits", Cancel);
        var victim = await books.ValueAsync<Guid>($"SELECT id FROM ledger.movements_{months.Month(2):yyyy_MM} WHERE kind = 'capture' ORDER BY id LIMIT 1", Cancel);
        await ledger.TamperAsync($"UPDATE ledger.movements SET amount = amount + 1 WHERE id = '{victim}'");

        // The first two turns read other months; the third reads this one, and from then on every turn does.
        var audit = ledger.Get<Audit>();
        var found = new List<bool>();
        for (var turn = 0; turn < closed; turn++)
        {
            var kinds = (await audit.ExamineAsync(Cancel)).Found.Select(f => f.Kind).ToHashSet();
            found.Add(kinds.Count > 0);
            Assert.True(kinds.Count == 0 || kinds.IsSupersetOf(["chain_broken", "closing_differs", "running_balance_differs"]), string.Join(", ", kinds));
        }

        Assert.Equal(Enumerable.Range(0, closed).Select(turn => turn >= 2), found);
        Assert.Equal(closed, await books.ValueAsync<long>("SELECT count(*) FROM ledger.month_audits", Cancel));
        await ledger.TamperAsync($"UPDATE ledger.movements SET amount = amount - 1 WHERE id = '{victim}'");
        Assert.Empty((await audit.ExamineAsync(Cancel)).Found);
    }

    [Fact]
    public async Task A_retired_month_is_archived_whole_before_it_goes()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var months = await VirtualMonths.WriteAsync(books, seed: 57, Cancel);
        await CompareWithEventsAsync(books);
        await SettledAsync(books);
        var directory = servers.CreateDirectory();
        await using var ledger = await LedgerService.StartAsync(servers, books, KeepAll);
        await MonthsAsync(ledger, m => m.GetProperty("data").GetArrayLength() >= VirtualMonths.Count);
        var closed = await books.ValueAsync<long>($"SELECT movements FROM ledger.closings WHERE month = '{months.Month(1):yyyy-MM-dd}'", Cancel);
        ledger.Settings["Payments:Ledger:ArchiveDirectory"] = directory;
        await RestartAsync(ledger, Keep);
        var answer = await MonthsAsync(ledger, m => m.GetProperty("horizon_at").ValueKind == JsonValueKind.String && m.GetProperty("data").EnumerateArray().Count(d => d.GetProperty("retired").ValueKind == JsonValueKind.Object) == Retired);
        var file = $"ledger-{months.Month(1):yyyy-MM}-movements.csv.gz";
        Assert.Contains(answer.GetProperty("data").EnumerateArray(), d => d.GetProperty("retired").ToString().Contains(file, StringComparison.Ordinal));
        await using var zip = new System.IO.Compression.GZipStream(File.OpenRead(Path.Combine(directory, file)), System.IO.Compression.CompressionMode.Decompress);
        using var text = new StreamReader(zip);
        Assert.Equal(closed, (await text.ReadToEndAsync(Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length - 1);
        Assert.Equal(3 * Retired, Directory.GetFiles(directory).Length);
    }

    // These journals had no publisher: the completeness control is told that it has seen them.
    private static Task CompareWithEventsAsync(LedgerDatabase books) => books.ExecuteAsync("""
        INSERT INTO ledger.control_marks (control, partition, epoch, seq) SELECT 'completeness', p, '00000000-0000-0000-0000-000000000000', 1000000 FROM generate_series(0, 15) p
        ON CONFLICT (control, partition) DO UPDATE SET seq = excluded.seq
        """, Cancel);

    // As if settlement had gathered everything up to now.
    private static Task SettledAsync(LedgerDatabase books) => books.ExecuteAsync("""
        SET session_replication_role = replica;
        INSERT INTO ledger.settlement_batches (id, mode, merchant_id, currency, cut_at, account_id, gathered_to, items, gross, refunds, commission, disputes, dispute_fees, corrections, other, net)
        SELECT gen_random_uuid(), a.mode, gen_random_uuid(), a.currency, now(), a.id, b.version, 1, 0, 0, 0, 0, 0, 0, 0, 0
        FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id WHERE a.kind = 'merchant_pending';
        SET session_replication_role = origin
        """, Cancel);

    private static async Task RestartAsync(LedgerService ledger, int retentionMonths)
    {
        await ledger.StopAsync();
        ledger.Settings["Payments:Ledger:RetentionMonths"] = retentionMonths.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await ledger.StartAsync();
    }

    private static async Task<JsonElement> MonthsAsync(LedgerService ledger, Func<JsonElement, bool> expected)
    {
        while (true)
        {
            var months = await ledger.GetAsync("/internal/v1/ops/months");
            if (expected(months))
            {
                return months;
            }

            await Task.Delay(100, Cancel);
        }
    }

    /// <summary>Nothing is wrong: audit, chain, closings, anchors.</summary>
    private static async Task CleanAsync(LedgerService ledger)
    {
        Assert.Empty((await ledger.Get<Audit>().ExamineAsync(Cancel)).Found);
        var chain = await ledger.GetAsync("/internal/v1/ops/chain/verify");
        Assert.True(chain.GetProperty("intact").GetBoolean(), chain.ToString());
        Assert.Equal(0, await ledger.Books.ValueAsync<long>("SELECT count(*) FROM ledger.findings WHERE resolved_at IS NULL", Cancel));
    }

    // Of the moments from the horizon on; by effective time only where the account's retired months hold nothing of after it.
    private static async Task<IEnumerable<BalanceThen>> AnswerableAsync(LedgerDatabase books, VirtualMonths months, DateTime horizon, List<BalanceThen> told)
    {
        var answered = await months.AsAnsweredAsync(horizon);
        var reaches = await books.ValueAsync<DateTime>("SELECT coalesce(max(last_effective_at), '-infinity') FROM ledger.closing_balances WHERE month <= ledger.horizon()", Cancel);
        Assert.True(reaches < horizon, "In these books nothing is effective after it was posted.");
        Assert.NotEmpty(answered);
        Assert.Contains(answered, a => a.Posted != a.Effective);
        Assert.True(told.Count > answered.Count);
        return answered;
    }

    private static async Task AskedOverHttpAsync(LedgerService ledger, DateTime horizon, List<(DateTime At, string Answer)> trials)
    {
        var account = (await ledger.ListAsync("/internal/v1/ops/accounts?kind=merchant_pending"))[0].GetProperty("id").GetString();
        foreach (var (at, expected) in trials)
        {
            var asked = $"at={at:yyyy-MM-ddTHH:mm:ss.ffffffZ}";
            var (trialStatus, trial) = await ledger.AskAsync(HttpMethod.Get, "/internal/v1/ops/trial_balance?" + asked);
            var (postedStatus, _) = await ledger.AskAsync(HttpMethod.Get, $"/internal/v1/ops/balance?account={account}&{asked}");
            var (effectiveStatus, effective) = await ledger.AskAsync(HttpMethod.Get, $"/internal/v1/ops/balance?account={account}&basis=effective&{asked}");
            var status = at < horizon ? HttpStatusCode.Gone : HttpStatusCode.OK;
            Assert.Equal((at, status, status, status), (at, trialStatus, postedStatus, effectiveStatus));
            if (status == HttpStatusCode.OK)
            {
                Assert.Equal(expected, trial.GetProperty("data").ToString());
            }
            else
            {
                Assert.Equal(("before_ledger_horizon", "at"), (effective.GetProperty("code").GetString(), effective.GetProperty("param").GetString()));
            }
        }
    }

    private static Task<string?> TablesAsync(LedgerDatabase books) => books.ValueAsync<string>(
        "SELECT string_agg(relname || ' ' || relfilenode, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'i')", Cancel);

    private static SortedDictionary<string, long> Without(SortedDictionary<string, long> balances, string currency) =>
        new(balances.Where(b => !b.Key.EndsWith(currency, StringComparison.Ordinal)).ToDictionary(), StringComparer.Ordinal);

    private static async Task<string?> RefusalAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (await Record.ExceptionAsync(() => command.ExecuteNonQueryAsync(Cancel)) as PostgresException)?.SqlState;
    }

    private sealed class At(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
