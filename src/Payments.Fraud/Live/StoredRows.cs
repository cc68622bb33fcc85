using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Training;
using Payments.Platform.Http;

namespace Payments.Fraud.Live;

/// <summary>
/// Training rows of real payments: the very rows that scoring saw, with what the payments turned out to be. A payment teaches if somebody
/// said what it was, or if it was approved and nobody has complained since it matured; of refused ones nobody knows.
/// </summary>
internal sealed class StoredRows(NpgsqlDataSource database)
{
    /// <summary>Beyond so many good payments one in some is taken, at that weight.</summary>
    private const long MostGood = 300_000;

    private const string Known = """
        FROM model_rows AS r
        LEFT JOIN LATERAL (SELECT bool_or(fraud) AS fraud FROM labels WHERE labels.mode = r.mode AND labels.payment_id = r.payment_id) AS l ON true
        WHERE r.mode = $1 AND r.at >= $2 AND r.at < $3 AND ($4::uuid IS NULL OR r.merchant_id = $4)
            AND (l.fraud IS NOT NULL
                OR (r.at <= now() - $5 AND EXISTS (SELECT FROM model_answers AS a WHERE a.payment_id = r.payment_id AND a.kind = 'approved')))
        """;

    /// <returns>The rows, oldest first, and how many payments they stand for.</returns>
    public async Task<(RowCollector Rows, long Payments)> LoadAsync(
        Mode mode, MerchantId? merchant, DateTimeOffset from, DateTimeOffset to, Action<double>? progress, CancellationToken cancellationToken)
    {
        long all, frauds;
        await using (var count = Command($"SELECT count(*), count(*) FILTER (WHERE l.fraud) {Known}", mode, merchant, from, to))
        {
            await using var counted = await count.ExecuteReaderAsync(cancellationToken);
            await counted.ReadAsync(cancellationToken);
            (all, frauds) = (counted.GetInt64(0), counted.GetInt64(1));
        }

        var share = Math.Max(1, (all - frauds + MostGood - 1) / MostGood);
        var rows = new RowCollector(FeatureCatalogue.Count);
        var names = await CataloguesAsync(cancellationToken);
        long seen = 0;
        await using var command = Command($"SELECT r.at, r.features, r.catalogue, coalesce(l.fraud, false) {Known} ORDER BY r.at, r.payment_id", mode, merchant, from, to);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var fraud = reader.GetBoolean(3);
            if (fraud || seen % share == 0)
            {
                rows.Add(
                    StoredRow.Decode(reader.GetFieldValue<byte[]>(1), names[reader.GetInt32(2)]), fraud, fraud ? 1 : share,
                    reader.GetFieldValue<DateTimeOffset>(0).ToUnixTimeSeconds());
            }

            if (++seen % 10_000 == 0)
            {
                progress?.Invoke((double)seen / all);
            }
        }

        progress?.Invoke(1);
        return (rows, all);
    }

    private async Task<Dictionary<int, string[]>> CataloguesAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT id, names FROM model_catalogues");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var names = new Dictionary<int, string[]>();
        while (await reader.ReadAsync(cancellationToken))
        {
            names.Add(reader.GetInt32(0), reader.GetFieldValue<string[]>(1));
        }

        return names;
    }

    private NpgsqlCommand Command(string sql, Mode mode, MerchantId? merchant, DateTimeOffset from, DateTimeOffset to)
    {
        var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = ModeNames.Of(mode) });
        command.Parameters.Add(new() { Value = from, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = to, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = (object?)merchant?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = PaymentHistory.Maturity });
        return command;
    }
}
