using System.Globalization;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <param name="Rate">How many major units of <paramref name="Quote"/> one major unit of <paramref name="Base"/> is worth.</param>
public sealed record ExchangeRateView(string Object, long Version, string Base, string Quote, string Rate, string Source, DateTimeOffset ObservedAt, DateTimeOffset ValidFrom, DateTimeOffset ValidUntil);

/// <summary>
/// <c>POST /internal/v1/ops/rates</c>: an exchange rate of ours. It is never changed: a later version counts before an earlier one.
/// </summary>
internal static class Rates
{
    private const int LongestSource = 100;
    private const int MostDecimals = 12;
    private const decimal Most = 1_000_000_000;
    private const int MostAtATime = 500;

    internal sealed record Request(string Base, string Quote, string Rate, string Source, DateTimeOffset ObservedAt, DateTimeOffset ValidFrom, DateTimeOffset ValidUntil);

    private const string Insert = """
        INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
        VALUES ((SELECT coalesce(max(r.version), 0) + 1 FROM ledger.rates r WHERE r.base = $1 AND r.quote = $2), $1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING RETURNING version
        """;

    public static async Task<IResult> AddAsync(HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var given, out var problem))
        {
            return problem;
        }

        if (Check(given, out var rate) is { } wrong)
        {
            return wrong;
        }

        return await requests.RunAsync(context, OperatorScope.Of(context), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            await using var command = new NpgsqlCommand(Insert, transaction.Connection, transaction).With(
                given.Base, given.Quote, rate, given.Source, given.ObservedAt.ToUniversalTime(), given.ValidFrom.ToUniversalTime(), given.ValidUntil.ToUniversalTime(), InternalHeaders.ActorOf(context));
            return await command.ExecuteScalarAsync(cancellation) is long version
                ? IdempotentResponse.Ok(View(version, given, rate))
                : new Problem(StatusCodes.Status409Conflict, "exchange_rate_changed", "Somebody else gave a rate of these currencies at the same moment.", "rate");
        }, cancellationToken);
    }

    /// <summary><c>POST /internal/ledger/rates/after</c>: for reconciliation, which expects exchanges at them.</summary>
    public static async Task<IResult> AfterAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<KnownRates>(context, cancellationToken)).Succeeded(out var given, out var problem))
        {
            return problem;
        }

        await using var command = database.CreateCommand("""
            SELECT r.base, r.quote, r.version, r.rate, r.source, r.valid_from, r.valid_until
            FROM ledger.rates r LEFT JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS k (base, quote, version) USING (base, quote)
            WHERE r.version > coalesce(k.version, 0) ORDER BY r.base, r.quote, r.version LIMIT $4
            """).With(given.Known.Select(k => k.Base).ToArray(), given.Known.Select(k => k.Quote).ToArray(), given.Known.Select(k => k.Version).ToArray(), MostAtATime);
        var rates = new List<LedgerRate>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            rates.Add(new(
                row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetDecimal(3), row.GetString(4), row.GetFieldValue<DateTimeOffset>(5), row.GetFieldValue<DateTimeOffset>(6)));
        }

        return TypedResults.Ok(new LedgerRateList(rates));
    }

    private static ExchangeRateView View(long version, Request given, decimal rate) =>
        new("exchange_rate", version, given.Base, given.Quote, rate.ToString(CultureInfo.InvariantCulture), given.Source, given.ObservedAt, given.ValidFrom, given.ValidUntil);

    private static Problem? Check(Request given, out decimal rate)
    {
        if (!decimal.TryParse(given.Rate, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out rate) || rate is <= 0 or > Most || rate.Scale > MostDecimals)
        {
            return Problems.InvalidValue("rate", $"A positive number with at most {MostDecimals} decimals is expected.");
        }

        if (!Currency.TryFind(given.Base, out _))
        {
            return Problems.InvalidValue("base", "An accepted currency is expected.");
        }

        if (!Currency.TryFind(given.Quote, out _) || given.Quote == given.Base)
        {
            return Problems.InvalidValue("quote", "Another accepted currency is expected.");
        }

        if (given.Source.Length is 0 or > LongestSource)
        {
            return Problems.InvalidValue("source", $"A text of 1 to {LongestSource} characters is expected.");
        }

        return given.ValidUntil <= given.ValidFrom ? Problems.InvalidValue("valid_until", "A time after valid_from is expected.") : null;
    }
}
