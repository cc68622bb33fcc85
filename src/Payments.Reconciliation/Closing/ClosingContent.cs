using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Closing;

/// <summary>What a closing is of: the days after <see cref="After"/> (null: from the beginning) up to <see cref="Day"/>.</summary>
public sealed record ClosedDays(Book Book, DateOnly? After, DateOnly Day)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Book} {Day:yyyy-MM-dd}");
}

/// <summary>
/// The hash of closed days: SHA-256 over the hash of the closing before and one line of text per row, each table in the order of its keys.
/// Rows are read as they come, so that days of any size take no more memory.
/// </summary>
internal static class ClosingContent
{
    /// <summary>What stands in place of a hash before the first closing.</summary>
    public static readonly byte[] Beginning = new byte[32];

    // Named columns: one that is added later is of later closings' concern alone.
    private static readonly (string Row, string Sql)[] Tables =
    [
        ("total", Of("day_totals", "currency, ours_count, ours_net, ours_volume, theirs_count, theirs_net, theirs_volume, ours_entries, theirs_entries, explained", "currency COLLATE \"C\"")),
        ("class", Of("day_classes", "currency, class, items, amount, volume", "currency COLLATE \"C\", class COLLATE \"C\"")),
        ("entry", Of("entries", "currency, item_id, line_id, ours_net, theirs_net, settles_item, settles_line, class, amount, from_class, from_amount, gross_diff, fee_diff, fx_diff",
            "item_id, line_id, settles_item, settles_line, class COLLATE \"C\", from_class COLLATE \"C\"")),
        ("item", Of("items", "item_id, kind, reference, alternative, currency, gross, fee, payment_id, merchant_id", "item_id")),
        ("line", Of("lines", "line_id, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch", "line_id")),
        ("file", $"""
            SELECT ROW(number, encode(content_hash, 'hex'))::text FROM recon.imports WHERE number IN (SELECT line_id >> 32 FROM recon.lines WHERE {Days}) ORDER BY number
            """),
    ];

    private const string Days = "mode = $1 AND leg = $2 AND provider = $3 AND day > coalesce($4::date, '-infinity') AND day <= $5";

    public static async Task<byte[]> HashAsync(NpgsqlConnection connection, ClosedDays days, byte[] previous, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(previous);
        var (mode, leg) = (ModeNames.Of(days.Book.Mode), Words.Of(days.Book.Leg));
        Append("closing", string.Create(CultureInfo.InvariantCulture, $"({mode},{leg},{days.Book.Provider},{days.After:yyyy-MM-dd},{days.Day:yyyy-MM-dd})"));
        foreach (var (row, sql) in Tables)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            command.With(mode, leg, days.Book.Provider);
            command.Parameters.Add(new() { Value = days.After is { } after ? after : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
            command.With(days.Day);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                Append(row, reader.GetString(0));
            }
        }

        return hash.GetHashAndReset();

        void Append(string row, string text) => hash.AppendData(Encoding.UTF8.GetBytes($"{row}{text}\n"));
    }

    private static string Of(string table, string columns, string order) =>
        $"SELECT ROW(to_char(day, 'YYYY-MM-DD'), {columns})::text FROM recon.{table} WHERE {Days} ORDER BY day, {order}";
}
