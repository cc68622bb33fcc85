using System.Numerics;
using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Settlement;

/// <summary>Our own exchange rates. Where none is valid there is none: whoever needs it refuses.</summary>
public static class FxRates
{
    public static async Task<decimal?> AtAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Currency from, Currency to, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT ledger.rate_at($1, $2, $3)", connection, transaction).With(from.Code, to.Code, at.ToUniversalTime());
        return await command.ExecuteScalarAsync(cancellationToken) as decimal?;
    }

    /// <summary>As <see cref="AtAsync"/>, and where only the way back has a rate, the inverse of that.</summary>
    public static async Task<decimal?> BetweenAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Currency from, Currency to, DateTimeOffset at, CancellationToken cancellationToken) =>
        await AtAsync(connection, transaction, from, to, at, cancellationToken)
            ?? (await AtAsync(connection, transaction, to, from, at, cancellationToken) is { } back ? Math.Round(1 / back, 12, MidpointRounding.AwayFromZero) : null);

    /// <summary>Rounds half away from zero to the minor unit of <paramref name="to"/>, once. By whole numbers: a rate has at most 12 decimals.</summary>
    public static long Convert(long minor, Currency from, Currency to, decimal rate)
    {
        var scaled = new BigInteger(rate * 1_000_000_000_000m);
        var (numerator, denominator) = (minor * scaled * BigInteger.Pow(10, to.Exponent), BigInteger.Pow(10, 12 + from.Exponent));
        var half = numerator.Sign * (denominator / 2);
        return checked((long)((numerator + half) / denominator));
    }
}
