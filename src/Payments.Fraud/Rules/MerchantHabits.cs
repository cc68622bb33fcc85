using System.Collections.Concurrent;
using Npgsql;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Rules;

/// <summary>
/// What is usual for a merchant, and whether a card has bought there before: from the outcomes that the stream brought. Mean and
/// deviation are remembered for a minute and renewed beside the payment path.
/// </summary>
internal sealed class MerchantHabits(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Fewer approved payments say nothing about what is usual.</summary>
    public const int FewestPayments = 30;

    private const int MostRemembered = 20_000;
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<(string Mode, Guid Merchant, string Currency), Usual> remembered = new();

    private sealed record Usual(long Payments, double Mean, double Deviation, long ReadAt)
    {
        public int Renewing;
    }

    /// <summary>Standard deviations of the amount above the mean; null where there are too few payments or they are all alike.</summary>
    public async ValueTask<double?> SigmasAsync(FraudRequest request)
    {
        var key = (ModeNames.Of(request.Mode), request.MerchantId.Value, request.Currency);
        if (!remembered.TryGetValue(key, out var usual))
        {
            usual = await ReadAsync(key);
        }
        else if (time.GetElapsedTime(usual.ReadAt) > Fresh && Interlocked.Exchange(ref usual.Renewing, 1) == 0)
        {
            _ = RenewAsync(key, usual);
        }

        return Sigmas(request.AmountMinor, usual.Payments, usual.Mean, usual.Deviation);
    }

    public static double? Sigmas(long amount, long payments, double mean, double deviation) =>
        payments >= FewestPayments && deviation > 0 ? (amount - mean) / deviation : null;

    public async Task<bool> HasBoughtAsync(FraudRequest request, Guid card)
    {
        await using var command = database.CreateCommand("SELECT EXISTS (SELECT FROM purchases WHERE mode = $1 AND merchant_id = $2 AND card = $3)")
            .With(ModeNames.Of(request.Mode), request.MerchantId.Value, card);
        return (bool)(await command.ExecuteScalarAsync())!;
    }

    private async Task RenewAsync((string Mode, Guid Merchant, string Currency) key, Usual former)
    {
        try
        {
            await ReadAsync(key);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
        {
            // What was read before still holds; a later payment tries again.
            Interlocked.Exchange(ref former.Renewing, 0);
        }
    }

    private async Task<Usual> ReadAsync((string Mode, Guid Merchant, string Currency) key)
    {
        const string sql = """
            SELECT payments, (total / payments)::float8, sqrt(greatest(squares / payments - (total / payments) ^ 2, 0))::float8
            FROM merchant_amounts WHERE mode = $1 AND merchant_id = $2 AND currency = $3 AND payments > 0
            """;
        await using var command = database.CreateCommand(sql).With(key.Mode, key.Merchant, key.Currency);
        await using var reader = await command.ExecuteReaderAsync();
        var usual = await reader.ReadAsync()
            ? new Usual(reader.GetInt64(0), reader.GetDouble(1), reader.GetDouble(2), time.GetTimestamp())
            : new Usual(0, 0, 0, time.GetTimestamp());
        if (remembered.Count >= MostRemembered)
        {
            remembered.Clear();
        }

        remembered[key] = usual;
        return usual;
    }
}
