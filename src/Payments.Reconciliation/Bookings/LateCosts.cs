using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Bookings;

/// <summary>
/// Asks the ledger for what was accrued for payments that we heard of after their payout was noted: then the whole fee went to the
/// variance, and the accrued part of it, which nothing else takes from the payable cost, goes there now.
/// </summary>
public static class LateCosts
{
    private const string Read = "SELECT match_key, day, occurrence, payout, reference, currency, accrued, lines_hash, now() FROM recon.late_costs($1, $2)";

    private const string Answer = "UPDATE recon.unanswered SET accrued = $4, answered_at = now() WHERE match_key = $1 AND day = $2 AND occurrence = $3 AND answered_at IS NULL";

    private const string Ask = """
        INSERT INTO recon.bookings (subject, mode, provider, what, name, content, due_at)
        VALUES (md5(concat_ws('|', 'late_cost', $1::uuid, $2::date, $3::smallint))::uuid, $4, $5, 'late_cost', $6, $7, now()) ON CONFLICT (subject) DO NOTHING
        """;

    private sealed record Late(Guid MatchKey, DateOnly Day, short Occurrence, string Payout, string Reference, string Currency, long Accrued, string LinesHash, DateTimeOffset At);

    public static async Task AskAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Book book, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(book);
        if (!Words.TryParse<Provider>(book.Provider, out var provider))
        {
            return;
        }

        foreach (var late in await ReadAsync(connection, transaction, book, cancellationToken))
        {
            await using var answer = new NpgsqlCommand(Answer, connection, transaction).With(late.MatchKey, late.Day, late.Occurrence, late.Accrued);
            await answer.ExecuteNonQueryAsync(cancellationToken);
            if (late.Accrued != 0)
            {
                await using var ask = new NpgsqlCommand(Ask, connection, transaction)
                    .With(late.MatchKey, late.Day, late.Occurrence, ModeNames.Of(book.Mode), book.Provider, $"{late.Payout} {late.Reference}");
                ask.Parameters.Add(new() { Value = JsonSerializer.Serialize(SettlementOf(late, book.Mode, provider), Json.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
                await ask.ExecuteNonQueryAsync(cancellationToken);
            }
        }
    }

    // Nothing more was paid and nothing more was taken: of what was taken, so much had been accrued.
    private static ProviderSettlement SettlementOf(Late late, Mode mode, Provider provider) => new(
        default, mode, provider, late.Payout, late.At, [new(late.Currency, GrossMinor: 0, FeesMinor: 0, AccruedFeesMinor: late.Accrued, NetMinor: 0)], 1, late.LinesHash);

    private static async Task<List<Late>> ReadAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Book book, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Read, connection, transaction).With(ModeNames.Of(book.Mode), book.Provider);
        var late = new List<Late>();
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        while (await r.ReadAsync(cancellationToken))
        {
            late.Add(new(
                r.GetGuid(0), r.GetFieldValue<DateOnly>(1), r.GetInt16(2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetInt64(6), r.GetString(7), r.GetFieldValue<DateTimeOffset>(8)));
        }

        return late;
    }
}
