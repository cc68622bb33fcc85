using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Payments.Ledger.Closing;

/// <summary>What a closing says beside its balances: its first line.</summary>
internal sealed record ClosingHeader(DateOnly Month, DateTime CutAt, long Journals, long Movements, long PendingTransfers, byte[] PreviousHash);

/// <summary>
/// The hash of a closing, recomputed from its rows as they are read: the second implementation of <c>ledger.closing_hash</c>.
/// </summary>
internal static class ClosingText
{
    public static readonly byte[] Beginning = new byte[32];

    private const string Heads = "SELECT partition, seq, hash FROM ledger.closing_heads WHERE month = $1 ORDER BY partition";

    private const string Balances = """
        SELECT account_id, version, debits, credits, pending_debits, pending_credits, first_effective_at, last_effective_at
        FROM ledger.closing_balances WHERE month = $1 ORDER BY account_id
        """;

    public static async Task<byte[]> HashAsync(NpgsqlConnection connection, ClosingHeader header, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header.PreviousHash);
        Append(hash, $"closing|{header.Month:yyyy-MM-dd}|{Micros(header.CutAt)}|{header.Journals}|{header.Movements}|{header.PendingTransfers}\n");
        await using (var heads = Of(connection, Heads, header.Month))
        await using (var reader = await heads.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                Append(hash, $"head|{reader.GetInt32(0)}|{reader.GetInt64(1)}|{Convert.ToHexStringLower(reader.GetFieldValue<byte[]>(2))}\n");
            }
        }

        await using (var balances = Of(connection, Balances, header.Month))
        await using (var reader = await balances.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                Append(hash, $"balance|{reader.GetGuid(0):D}|{reader.GetInt64(1)}|{reader.GetInt64(2)}|{reader.GetInt64(3)}|{reader.GetInt64(4)}|{reader.GetInt64(5)}");
                if (!await reader.IsDBNullAsync(6, cancellationToken))
                {
                    Append(hash, $"|{Micros(reader.GetDateTime(6))}|{Micros(reader.GetDateTime(7))}");
                }

                hash.AppendData("\n"u8);
            }
        }

        return hash.GetHashAndReset();
    }

    public static NpgsqlCommand Of(NpgsqlConnection connection, string sql, DateOnly month) =>
        new(sql, connection) { Parameters = { new() { Value = month, NpgsqlDbType = NpgsqlDbType.Date } }, CommandTimeout = 0 };

    private static void Append(IncrementalHash hash, FormattableString line) => hash.AppendData(Encoding.UTF8.GetBytes(line.ToString(CultureInfo.InvariantCulture)));

    private static long Micros(DateTime at) => (at.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
}
