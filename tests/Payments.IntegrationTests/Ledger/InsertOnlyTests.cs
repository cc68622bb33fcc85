using Npgsql;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class InsertOnlyTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_table_and_every_partition_refuses_changes_to_the_service_and_to_the_owner()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        var world = new World(new Random(3).Next, LedgerDatabase.Ids);
        while (world.History.Count < 100)
        {
            world.Step();
        }

        await books.PostAsync(books.Drafts(world.History), Cancel);

        // Also partitions of the future, made by the service's own job.
        await using (var make = books.Writer.CreateCommand("SELECT ledger.make_partitions(7)"))
        {
            Assert.NotEmpty((string[])(await make.ExecuteScalarAsync(Cancel))!);
        }

        var tables = await books.ValueAsync<string[]>("""
            SELECT array_agg(c.oid::regclass::text) FROM pg_class c
            WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('findings', 'control_marks', 'month_audits', 'correction_limits', 'payout_limits', 'payouts_open', 'payouts_to_show')
            """, Cancel);
        Assert.True(tables!.Length > 3 * 9);
        Assert.Contains("ledger.movements_default", tables);
        foreach (var table in tables)
        {
            foreach (var sql in Attempts(table))
            {
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusalAsync(books.Writer, sql));
                if (Refused(table, sql))
                {
                    Assert.Equal((sql, PostgresErrorCodes.RestrictViolation), (sql, await RefusalAsync(books.Owner, sql)));
                }
            }

            if (!WrittenByTheService.Contains(table))
            {
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusalAsync(books.Writer, $"INSERT INTO {table} SELECT * FROM {table}"));
            }
        }

        // A partition made by hand has at least the row triggers of its parent.
        await books.ExecuteAsync("CREATE TABLE ledger.journals_by_hand PARTITION OF ledger.journals FOR VALUES FROM ('00000000-0000-0000-0000-000000000000') TO ('00000000-0000-0000-0000-00000000ffff')", Cancel);
        Assert.Equal(1, await books.ValueAsync<long>("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'ledger.journals_by_hand'::regclass AND tgname = 'refuse_change' AND tgenabled = 'O'", Cancel));
        await ModelCheck.HoldsAsync(books, Cancel);
    }

    // What comes by requests and not by a posting function: the service adds rows, and changes none.
    private static readonly string[] WrittenByTheService = ["ledger.house_journals", "ledger.rates", "ledger.settlement_cutoffs", "ledger.settlement_terms", "ledger.settlement_closings",
        "ledger.payout_settings", "ledger.payout_switch", "ledger.payouts", "ledger.payout_changes", "ledger.payout_approvals", "ledger.payout_files", "ledger.payout_file_items", "ledger.payout_reports", "ledger.exchanges", "ledger.exchange_decisions", "ledger.revaluations"];

    // An update and a delete of every row, and the truncation that row triggers would not see.
    private static string[] Attempts(string table)
    {
        var column = table.Contains("balances", StringComparison.Ordinal) ? "version" : table.Contains("chain_heads", StringComparison.Ordinal) ? "seq"
            : table.Contains("account_kinds", StringComparison.Ordinal) || table.Contains("settlement_kinds", StringComparison.Ordinal) ? "kind"
            : table.Contains("rates", StringComparison.Ordinal) || table.Contains("settlement_items", StringComparison.Ordinal) ? "version"
            : table.Contains("settlement_cutoffs", StringComparison.Ordinal) || table.Contains("settlement_closings", StringComparison.Ordinal) ? "cut_at"
            : table.Contains("settlement_terms", StringComparison.Ordinal) || table is "ledger.payout_settings" or "ledger.payout_switch" or "ledger.payout_changes" ? "version"
            : table is "ledger.payout_transitions" ? "before"
            : table is "ledger.payout_approvals" or "ledger.payout_file_items" or "ledger.payout_reports" ? "payout_id"
            : table is "ledger.exchange_decisions" ? "exchange_id"
            : table is "ledger.payout_limit_requests" ? "reason"
            : table.Contains("reserve_releases", StringComparison.Ordinal) ? "held_batch_id"
            : table.Contains("clos", StringComparison.Ordinal) || table.Contains("retired_months", StringComparison.Ordinal) || table.Contains("opening_holds", StringComparison.Ordinal) ? "month" : "id";
        return [$"UPDATE {table} SET {column} = {column}", $"DELETE FROM {table}", $"TRUNCATE {table} CASCADE"];
    }

    // The fold and the heads are updated by the posting function, which runs as the owner.
    private static bool Refused(string table, string sql) => sql[0] != 'U' || (table != "ledger.balances" && table != "ledger.chain_heads");

    private static async Task<string?> RefusalAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        var refusal = await Record.ExceptionAsync(() => command.ExecuteNonQueryAsync(Cancel));
        return (refusal as PostgresException)?.SqlState;
    }
}
