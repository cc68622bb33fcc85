using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Bookings;

/// <summary>Makes of noted payouts what the ledger is asked to book, in the transaction that notes them.</summary>
public static class NotedSettlements
{
    // A day of the bank has no time, and nothing is paid later than it is noted.
    private const string Unasked = """
        SELECT s.settlement_id, s.reference, s.currency, least(s.day::timestamp AT TIME ZONE 'UTC', s.noted_at), recon.lines_hash(s),
            p.currencies, p.gross, p.fee, p.accrued, p.paid, p.lines
        FROM recon.settlements s
        JOIN LATERAL (
            SELECT array_agg(currency ORDER BY currency) AS currencies, array_agg(gross ORDER BY currency) AS gross, array_agg(fee ORDER BY currency) AS fee,
                array_agg(accrued ORDER BY currency) AS accrued, array_agg(paid ORDER BY currency) AS paid, sum(lines)::bigint AS lines
            FROM recon.settlement_parts WHERE settlement_id = s.settlement_id) p ON true
        WHERE s.mode = $1 AND s.provider = $2 AND NOT EXISTS (SELECT 1 FROM recon.bookings b WHERE b.subject = s.settlement_id) ORDER BY s.settlement_id
        """;

    private const string Ask = """
        INSERT INTO recon.bookings (subject, mode, provider, what, name, content, due_at) VALUES ($1, $2, $3, 'settlement', $4, $5, now()) ON CONFLICT (subject) DO NOTHING
        """;

    public static async Task AskAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Book book, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(book);
        if (!Words.TryParse<Provider>(book.Provider, out var provider))
        {
            return;
        }

        foreach (var (subject, settled) in await ReadAsync(connection, transaction, book, provider, cancellationToken))
        {
            await using var ask = new NpgsqlCommand(Ask, connection, transaction).With(subject, ModeNames.Of(book.Mode), book.Provider, $"{settled.Reference} {settled.Currencies[0].Conversion?.Currency ?? settled.Currencies[0].Currency}");
            ask.Parameters.Add(new() { Value = JsonSerializer.Serialize(settled, Json.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
            await ask.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static async Task<List<(Guid Subject, ProviderSettlement Settled)>> ReadAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Book book, Provider provider, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Unasked, connection, transaction).With(ModeNames.Of(book.Mode), book.Provider);
        var noted = new List<(Guid, ProviderSettlement)>();
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        while (await r.ReadAsync(cancellationToken))
        {
            var paidIn = r.GetString(2);
            var (currencies, gross, fee) = (r.GetFieldValue<string[]>(5), r.GetFieldValue<long[]>(6), r.GetFieldValue<long[]>(7));
            var (accrued, paid) = (r.GetFieldValue<long[]>(8), r.GetFieldValue<long[]>(9));
            noted.Add((r.GetGuid(0), new(
                default, book.Mode, provider, r.GetString(1), r.GetFieldValue<DateTimeOffset>(3),
                [.. currencies.Select((c, i) => new ProviderSettlementCurrency(c, gross[i], fee[i], accrued[i], gross[i] - fee[i], c == paidIn ? null : new(paidIn, paid[i])))],
                r.GetInt64(10), r.GetString(4))));
        }

        return noted;
    }
}
