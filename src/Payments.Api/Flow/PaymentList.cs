using Npgsql;
using NpgsqlTypes;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>What a list of payments shows; everything absent: all of them.</summary>
/// <param name="From">Not older than this, inclusive.</param>
/// <param name="Until">Older than this, exclusive.</param>
public sealed record PaymentFilter(MerchantId? Merchant, Mode? Mode, PaymentStatus? Status, string? OrderId, DateTimeOffset? From, DateTimeOffset? Until);

/// <summary>Finds payments, newest first. Times are those of the ids, so that every filter by time is a range of the key.</summary>
public sealed class PaymentList(NpgsqlDataSource database, PaymentStore store)
{
    /// <param name="after">The last payment of the page before.</param>
    public async Task<IReadOnlyList<PaymentState>> FindAsync(PaymentFilter filter, int limit, Guid? after, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        const string sql = """
            SELECT merchant_id, mode, id FROM payments
            WHERE ($1::uuid IS NULL OR merchant_id = $1) AND ($2::text IS NULL OR mode = $2)
              AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR order_id = $4)
              AND id >= $5 AND id < $6
            ORDER BY id DESC LIMIT $7
            """;
        var until = filter.Until is { } end ? Id.FirstAt(end) : Guid.AllBitsSet;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(Nullable(filter.Merchant?.Value, NpgsqlDbType.Uuid));
        command.Parameters.Add(Nullable(filter.Mode is { } mode ? Words.Of(mode) : null, NpgsqlDbType.Text));
        command.Parameters.Add(Nullable(filter.Status is { } status ? Words.Of(status) : null, NpgsqlDbType.Text));
        command.Parameters.Add(Nullable(filter.OrderId, NpgsqlDbType.Text));
        command.Parameters.Add(new() { Value = filter.From is { } start ? Id.FirstAt(start) : Guid.Empty });
        command.Parameters.Add(new() { Value = after is { } last && IsBefore(last, until) ? last : until });
        command.Parameters.Add(new() { Value = limit });
        var keys = new List<PaymentKey>();
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                keys.Add(new PaymentKey(MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), PaymentId.From(row.GetGuid(2))));
            }
        }

        return await store.ReadAsync(keys, cancellationToken);
    }

    /// <summary>In the order of the bytes, as the database compares.</summary>
    private static bool IsBefore(Guid left, Guid right) =>
        left.ToByteArray(bigEndian: true).AsSpan().SequenceCompareTo(right.ToByteArray(bigEndian: true)) < 0;

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
