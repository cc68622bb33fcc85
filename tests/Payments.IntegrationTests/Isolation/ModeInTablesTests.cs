using Npgsql;
using Payments.IntegrationTests.CardSearch;
using Xunit;

namespace Payments.IntegrationTests.Isolation;

/// <summary>Test and live are apart in every table: a row has its mode, or belongs to one that has, or is of no mode at all.</summary>
[Collection(ProductFixture.Name)]
public sealed class ModeInTablesTests(ProductFixture product, EmbeddedServers servers)
{
    // Table, and why its rows have no mode of their own. A new table without one needs a reason here.
    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["public.schema_migrations"] = "the database itself",
        ["public.idempotency_keys"] = "the scope of a key begins with merchant and mode; operators' keys have none",
        ["public.event_consumers"] = "positions in the log, in which each event has its mode",
        ["public.checkpoints"] = "positions in the log",
        ["public.event_copy_pages"] = "events as they were carried, each with its mode in its line",
        ["public.parked_payments"] = "a payment, which has its mode, and so have its dead letters",
        ["public.outbox_heads"] = "the log itself",
        ["public.outbox_produced"] = "positions in the log",
        ["public.outbox_consumers"] = "positions in the log",
        ["public.outbox_epochs"] = "the log itself",
        ["public.commits"] = "group commits, which write payments of both modes",
        ["public.merchants"] = "a merchant is the same in both modes; its limits are two columns",
        ["public.merchant_plans"] = "a merchant's prices are the same in both modes",
        ["public.operator_keys"] = "operators work in both modes",
        ["public.audit_entries"] = "what operators did, in one chain",
        ["public.incident_notes"] = "of an incident, which has its mode",
        ["public.provider_tokens"] = "of a token, which has its mode",
        ["public.webhook_secrets"] = "of an endpoint, which has its mode",
        ["public.deliveries"] = "of an event, which has its mode",
        ["public.delivery_attempts"] = "of a delivery",
        ["public.model_catalogues"] = "lists of features, which are the same in both modes",
        ["public.outcomes_to_tell"] = "of an outcome, which has its mode",
        ["public.risk_revision"] = "one number for the rules and lists of both modes",
        ["ledger.account_kinds"] = "the chart of accounts",
        ["ledger.balances"] = "of an account, which has its mode",
        ["ledger.movements"] = "of a journal and two accounts, which have one mode",
        ["ledger.pending_transfers"] = "of a journal and two accounts, which have one mode",
        ["ledger.chain_heads"] = "heads of the hash chain, which runs over both modes",
        ["ledger.findings"] = "what controls found, by the name of its subject",
        ["ledger.control_marks"] = "positions of controls in the log",
        ["ledger.closings"] = "a month of the whole book",
        ["ledger.closing_heads"] = "heads of the hash chain at a month's end",
        ["ledger.closing_balances"] = "of an account, which has its mode",
        ["ledger.month_audits"] = "a month of the whole book",
        ["ledger.retired_months"] = "a month of the whole book",
        ["ledger.opening_holds"] = "of a payment, which has its mode",
        ["ledger.correction_limits"] = "a rule",
        ["ledger.settlement_cutoffs"] = "positions in the log",
        ["ledger.settlement_kinds"] = "a rule",
        ["ledger.payout_switch"] = "one switch stops the payouts of both modes",
        ["ledger.payout_limits"] = "a rule",
        ["ledger.payout_limit_requests"] = "a rule, and who wanted it",
        ["ledger.payout_reports"] = "of a payout, which has its mode",
        ["ledger.payout_transitions"] = "a rule",
        ["ledger.payout_changes"] = "of a payout, which has its mode",
        ["ledger.payout_approvals"] = "of a payout, which has its mode",
        ["ledger.payout_file_items"] = "of a payout, which has its mode",
        ["ledger.reserve_releases"] = "of two batches, which have one mode",
        ["ledger.settlement_items"] = "of a batch, which has its mode",
        ["ledger.rates"] = "exchange rates are the same in both modes",
        ["recon.import_payouts"] = "of an import, which has its mode",
        ["recon.import_statements"] = "of an import, which has its mode",
        ["recon.quarantine"] = "of an import, which has its mode",
        ["recon.rates"] = "exchange rates are the same in both modes",
        ["recon.rules"] = "both modes are compared by the same rules",
        ["recon.lone_kinds"] = "a rule",
        ["recon.break_notes"] = "of a break, which has its mode",
        ["recon.four_eyes"] = "a rule",
        ["recon.resolutions"] = "a rule",
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_table_of_every_service_has_a_mode_or_a_reason()
    {
        var without = new List<string>();
        foreach (var database in Places.DatabaseNames)
        {
            without.AddRange(await WithoutModeAsync(product.ConnectionString(database)));
        }

        Assert.Equal(Reasons.Keys.Order(StringComparer.Ordinal), without.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_table_without_a_mode_is_found()
    {
        var connection = await servers.CreateDatabaseAsync(Cancel);
        await using (var database = NpgsqlDataSource.Create(connection))
        {
            await using var plant = database.CreateCommand("CREATE TABLE apart (id integer, mode text); CREATE TABLE planted (id integer, modus text)");
            await plant.ExecuteNonQueryAsync(Cancel);
        }

        Assert.Equal(["public.planted"], await WithoutModeAsync(connection));
    }

    /// <summary>Tables, not their partitions, without a column <c>mode</c>.</summary>
    private static async Task<List<string>> WithoutModeAsync(string connectionString)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        await using var command = database.CreateCommand("""
            SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'mode' AND NOT a.attisdropped)
            """);
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var tables = new List<string>();
        while (await reader.ReadAsync(Cancel))
        {
            tables.Add(reader.GetString(0));
        }

        return tables;
    }
}
