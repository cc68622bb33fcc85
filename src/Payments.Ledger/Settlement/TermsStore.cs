using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Settlement;

/// <summary>Merchants' terms in versions: a change is a new one, and the newest counts.</summary>
public sealed class TermsStore(NpgsqlDataSource database)
{
    private const string Columns = "schedule, weekday, time_zone, calendar, currency, reserve_basis_points, reserve_days, version";

    private const string Insert = """
        INSERT INTO ledger.settlement_terms (mode, merchant_id, version, schedule, weekday, time_zone, calendar, currency, reserve_basis_points, reserve_days, set_by)
        SELECT $1, $2, $11 + 1, $3, $4, $5, $6, $7, $8, $9, $10
        WHERE (SELECT coalesce(max(t.version), 0) FROM ledger.settlement_terms t WHERE t.mode = $1 AND t.merchant_id = $2) = $11
        ON CONFLICT (mode, merchant_id, version) DO NOTHING
        """;

    private const string Newest = $"SELECT {Columns} FROM ledger.settlement_terms WHERE mode = $1 AND merchant_id = $2 ORDER BY version DESC LIMIT 1";

    private const string All = $"SELECT DISTINCT ON (mode, merchant_id) {Columns}, mode, merchant_id FROM ledger.settlement_terms ORDER BY mode, merchant_id, version DESC";

    /// <summary>Makes the version after <paramref name="seen"/> (0: nobody had set any); false where that is not the newest any more.</summary>
    public static async Task<bool> SetAsync(NpgsqlTransaction transaction, Mode mode, MerchantId merchant, SettlementTerms terms, int seen, string setBy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(terms);
        await using var command = new NpgsqlCommand(Insert, transaction.Connection, transaction).With(Account.Text(mode), merchant.Value, Words.Of(terms.Schedule));
        command.Parameters.Add(new() { Value = (object?)terms.Weekday ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.With(terms.TimeZone, terms.Calendar);
        command.Parameters.Add(new() { Value = (object?)terms.Currency ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.With(terms.ReserveBasisPoints, terms.ReserveDays, setBy, seen);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>Version 0: nobody set any.</summary>
    public async Task<(SettlementTerms Terms, int Version)> ReadAsync(Mode mode, MerchantId merchant, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Newest).With(Account.Text(mode), merchant.Value);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (Read(reader), reader.GetInt32(7)) : (SettlementTerms.Default, 0);
    }

    public async Task<IReadOnlyDictionary<(Mode Mode, MerchantId Merchant), SettlementTerms>> AllAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(All);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var all = new Dictionary<(Mode, MerchantId), SettlementTerms>();
        while (await reader.ReadAsync(cancellationToken))
        {
            all.Add((Words.Parse<Mode>(reader.GetString(8)), new(reader.GetGuid(9))), Read(reader));
        }

        return all;
    }

    private static SettlementTerms Read(NpgsqlDataReader row) => new(
        Words.Parse<SettlementInterval>(row.GetString(0)), row.IsDBNull(1) ? null : row.GetInt32(1), row.GetString(2), row.GetString(3),
        row.IsDBNull(4) ? null : row.GetString(4), row.GetInt32(5), row.GetInt32(6));
}
