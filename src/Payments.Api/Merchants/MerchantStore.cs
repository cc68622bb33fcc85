using System.Data.Common;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Merchants;

/// <summary>Merchants in the database.</summary>
internal static class MerchantStore
{
    private const string Columns = """
        m.id, m.name, m.active, m.risk_tier, m.plan_version, p.credit_rate_per_million, p.credit_fixed_us_cents, p.debit_rate_per_million,
        p.debit_fixed_us_cents, m.monthly_limit_test, m.monthly_limit_live, m.settlement_currency, m.settlement_schedule, m.preferred_provider,
        m.receipts, m.statement_descriptor, m.requests_per_second, m.capture_window_days, m.created_at, m.updated_at, p.ach_rate_per_million, p.ach_most_us_cents
        """;

    private const string From = "FROM merchants m JOIN merchant_plans p ON p.merchant_id = m.id AND p.version = m.plan_version";

    /// <summary>Times are the database's: read the row again to show them.</summary>
    public static async Task InsertAsync(NpgsqlTransaction transaction, MerchantView merchant, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO merchants (id, name, active, risk_tier, plan_version, monthly_limit_test, monthly_limit_live, settlement_currency,
                settlement_schedule, preferred_provider, receipts, statement_descriptor, requests_per_second, capture_window_days)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(Values(merchant));
        await command.ExecuteNonQueryAsync(cancellationToken);
        await InsertPlanAsync(transaction, merchant.Id, merchant.Plan, cancellationToken);
    }

    public static async Task UpdateAsync(NpgsqlTransaction transaction, MerchantView merchant, bool newPlan, CancellationToken cancellationToken)
    {
        if (newPlan)
        {
            await InsertPlanAsync(transaction, merchant.Id, merchant.Plan, cancellationToken);
        }

        const string sql = """
            UPDATE merchants SET name = $2, active = $3, risk_tier = $4, plan_version = $5, monthly_limit_test = $6, monthly_limit_live = $7,
                settlement_currency = $8, settlement_schedule = $9, preferred_provider = $10, receipts = $11, statement_descriptor = $12,
                requests_per_second = $13, capture_window_days = $14, updated_at = now()
            WHERE id = $1
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(Values(merchant));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Holds the row until the transaction ends.</summary>
    public static async Task<MerchantView?> LockAsync(NpgsqlTransaction transaction, MerchantId id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {Columns} {From} WHERE m.id = $1 FOR UPDATE OF m", transaction.Connection, transaction).With(id.Value);
        return await ReadOneAsync(command, cancellationToken);
    }

    public static async Task<MerchantView?> FindAsync(NpgsqlDataSource database, MerchantId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {Columns} {From} WHERE m.id = $1").With(id.Value);
        return await ReadOneAsync(command, cancellationToken);
    }

    /// <summary>Newest first, one more than <paramref name="limit"/>.</summary>
    public static async Task<List<MerchantView>> ListAsync(NpgsqlDataSource database, bool? active, Guid? after, int limit, CancellationToken cancellationToken)
    {
        const string where = "WHERE ($1::boolean IS NULL OR m.active = $1) AND ($2::uuid IS NULL OR m.id < $2) ORDER BY m.id DESC LIMIT $3";
        await using var command = database.CreateCommand($"SELECT {Columns} {From} {where}").With(active, after, limit + 1);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<MerchantView>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(Read(reader));
        }

        return found;
    }

    private static async Task InsertPlanAsync(NpgsqlTransaction transaction, MerchantId id, PlanView plan, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO merchant_plans (merchant_id, version, credit_rate_per_million, credit_fixed_us_cents, debit_rate_per_million, debit_fixed_us_cents,
                ach_rate_per_million, ach_most_us_cents)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
            .With(id.Value, plan.Version, plan.Credit.RatePerMillion, plan.Credit.FixedUsCents, plan.Debit.RatePerMillion, plan.Debit.FixedUsCents,
                plan.Ach.RatePerMillion, plan.Ach.MostUsCents);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<MerchantView?> ReadOneAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    private static object?[] Values(MerchantView m) =>
    [
        m.Id.Value, m.Name, m.Active, Word(m.RiskTier), m.Plan.Version, m.MonthlyLimits.Test, m.MonthlyLimits.Live, m.Settlement.Currency,
        Word(m.Settlement.Schedule), m.Routing.PreferredProvider is { } provider ? Word(provider) : null, m.Receipts, m.StatementDescriptor, m.RateLimit.RequestsPerSecond,
        m.CaptureWindowDays,
    ];

    private static MerchantView Read(DbDataReader row) => new(
        new MerchantId(row.GetGuid(0)), "merchant", row.GetString(1), row.GetBoolean(2), Of<RiskTier>(row.GetString(3)),
        new PlanView(row.GetInt32(4), new PlanPrice(row.GetInt32(5), row.GetInt64(6)), new PlanPrice(row.GetInt32(7), row.GetInt64(8)), new PlanCappedPrice(row.GetInt32(20), row.GetInt64(21))),
        new MonthlyLimits(Maybe<long>(row, 9), Maybe<long>(row, 10)),
        new Settlement(row.GetString(11), Of<SettlementSchedule>(row.GetString(12))),
        new Routing(row.IsDBNull(13) ? null : Of<Provider>(row.GetString(13))),
        row.GetBoolean(14), row.IsDBNull(15) ? null : row.GetString(15), new RateLimit(Maybe<int>(row, 16)),
        row.GetInt32(17), row.GetFieldValue<DateTimeOffset>(18), row.GetFieldValue<DateTimeOffset>(19));

    private static T? Maybe<T>(DbDataReader row, int column)
        where T : struct => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);

    private static string Word<TEnum>(TEnum value)
        where TEnum : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private static TEnum Of<TEnum>(string word)
        where TEnum : struct, Enum => Enum.GetValues<TEnum>().Single(v => Word(v) == word);
}
