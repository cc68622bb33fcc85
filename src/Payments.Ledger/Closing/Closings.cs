using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Chain;
using Payments.Ledger.Controls;
using Payments.Platform.Secrets;

namespace Payments.Ledger.Closing;

/// <summary>A closed month.</summary>
/// <param name="CutAt">Everything that was posted before is in it.</param>
public sealed record ClosedMonth(DateOnly Month, DateTimeOffset CutAt, bool Retired);

/// <summary>
/// Closes months: what every account and every chain stands at, recomputed, hashed and signed. A closing is made once and never
/// changed; the closing of a retired month is the opening balance of the books.
/// </summary>
public sealed class Closings(NpgsqlDataSource database, ChainVerification chain, ClosingKeys keys, ILogger<Closings> logger)
{
    public const string Broken = "closing_broken";
    public const string Refused = "month_not_closable";

    /// <summary>All closed months, oldest first.</summary>
    public async Task<IReadOnlyList<ClosedMonth>> MonthsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT c.month, c.cut_at, r.month IS NOT NULL FROM ledger.closings c LEFT JOIN ledger.retired_months r ON r.month = c.month ORDER BY c.month
            """);
        var months = new List<ClosedMonth>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            months.Add(new(reader.GetFieldValue<DateOnly>(0), reader.GetFieldValue<DateTimeOffset>(1), reader.GetBoolean(2)));
        }

        return months;
    }

    /// <summary>Before this moment nothing can be told any more; null where no month was retired.</summary>
    public static async Task<DateTimeOffset?> HorizonAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var command = database.CreateCommand("SELECT c.cut_at FROM ledger.closings c WHERE c.month = ledger.horizon()");
        return await command.ExecuteScalarAsync(cancellationToken) is DateTime at ? at : null;
    }

    /// <summary>The last journals of a closed month, by chain; none for null.</summary>
    public async Task<IReadOnlyDictionary<int, ChainHead>> HeadsAsync(DateOnly? month, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return month is { } of ? await HeadsAsync(connection, of, cancellationToken) : new Dictionary<int, ChainHead>();
    }

    /// <summary>Closes every month that is due. What prevents it is returned, and the month stays open.</summary>
    public async Task<IReadOnlyList<Finding>> CloseDueAsync(CancellationToken cancellationToken)
    {
        while (keys.Configured && await DueAsync(cancellationToken) is { } month)
        {
            try
            {
                if (await CloseAsync(month, cancellationToken) is { } refused)
                {
                    return [refused];
                }
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DataCorrupted)
            {
                return [Refusal(month, e.MessageText)];
            }
        }

        return [];
    }

    /// <summary>Whether every closing is as it was signed, and follows the one before it.</summary>
    public async Task<IReadOnlyList<Finding>> VerifyAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var (found, previous) = (new List<Finding>(), ClosingText.Beginning);
        foreach (var (header, hash, keyId, signature) in await ReadAsync(connection, cancellationToken))
        {
            var problem = !header.PreviousHash.AsSpan().SequenceEqual(previous) ? "It does not follow the closing before it."
                : !(await ClosingText.HashAsync(connection, header, cancellationToken)).AsSpan().SequenceEqual(hash) ? "Its balances or heads are not those that were hashed."
                : keys.Refute(keyId, hash, signature);
            if (problem is not null)
            {
                found.Add(new(Broken, Name(header.Month), problem));
            }

            previous = hash;
        }

        return found;
    }

    internal static string Name(DateOnly month) => month.ToString("yyyy-MM", System.Globalization.CultureInfo.InvariantCulture);

    private static Finding Refusal(DateOnly month, string why) => new(Refused, Name(month), why);

    private async Task<DateOnly?> DueAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT ledger.closable_month()");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) && !await reader.IsDBNullAsync(0, cancellationToken) ? reader.GetFieldValue<DateOnly>(0) : null;
    }

    private async Task<Finding?> CloseAsync(DateOnly month, CancellationToken cancellationToken)
    {
        var before = await MonthsAsync(cancellationToken) is [.., var last] ? last.Month : (DateOnly?)null;
        var from = await HeadsAsync(before, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var (header, drafted) = await DraftAsync(connection, month, cancellationToken);
        var report = await chain.VerifyAsync(from, await HeadsAsync(connection, month, cancellationToken), cancellationToken);
        if (!report.Intact)
        {
            return Refusal(month, "The hash chain is broken within the month.");
        }

        var hash = await ClosingText.HashAsync(connection, header, cancellationToken);
        Invariant.Holds(hash.AsSpan().SequenceEqual(drafted), "the database and the service hash a closing alike");
        var (keyId, signature) = keys.Sign(hash);
        await using var sign = new NpgsqlCommand("SELECT ledger.sign_closing($1, $2, $3, $4, $5, $6, $7)", connection, transaction)
        {
            Parameters =
            {
                new() { Value = month, NpgsqlDbType = NpgsqlDbType.Date },
                new() { Value = header.CutAt, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new() { Value = header.Journals },
                new() { Value = header.Movements },
                new() { Value = header.PendingTransfers },
                new() { Value = keyId },
                new() { Value = signature },
            },
        };
        await sign.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Log.MonthClosed(logger, Name(month), header.Journals, Convert.ToHexStringLower(hash));
        return null;
    }

    private static async Task<(ClosingHeader Header, byte[] Hash)> DraftAsync(NpgsqlConnection connection, DateOnly month, CancellationToken cancellationToken)
    {
        await using var draft = ClosingText.Of(connection, "SELECT cut_at, journals, movements, pending_transfers, previous_hash, hash FROM ledger.draft_closing($1)", month);
        await using var reader = await draft.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (
            new(month, reader.GetDateTime(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetFieldValue<byte[]>(4)),
            reader.GetFieldValue<byte[]>(5));
    }

    private static async Task<Dictionary<int, ChainHead>> HeadsAsync(NpgsqlConnection connection, DateOnly month, CancellationToken cancellationToken)
    {
        await using var command = ClosingText.Of(connection, "SELECT partition, seq, hash FROM ledger.closing_heads WHERE month = $1 ORDER BY partition", month);
        var heads = new Dictionary<int, ChainHead>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            heads.Add(reader.GetInt32(0), new(reader.GetInt32(0), reader.GetInt64(1), Convert.ToHexStringLower(reader.GetFieldValue<byte[]>(2))));
        }

        return heads;
    }

    private static async Task<List<(ClosingHeader Header, byte[] Hash, string KeyId, byte[] Signature)>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            SELECT month, cut_at, journals, movements, pending_transfers, previous_hash, hash, key_id, signature FROM ledger.closings ORDER BY month
            """, connection);
        var closings = new List<(ClosingHeader, byte[], string, byte[])>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            closings.Add((
                new(reader.GetFieldValue<DateOnly>(0), reader.GetDateTime(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetFieldValue<byte[]>(5)),
                reader.GetFieldValue<byte[]>(6), reader.GetString(7), reader.GetFieldValue<byte[]>(8)));
        }

        return closings;
    }
}
