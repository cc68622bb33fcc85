using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <param name="Rate">How many major units of <paramref name="Quote"/> one major unit of <paramref name="Base"/> is worth.</param>
public sealed record ExchangeRateView(string Object, long Version, string Base, string Quote, string Rate, string Source, DateTimeOffset ObservedAt, DateTimeOffset ValidFrom, DateTimeOffset ValidUntil);

/// <summary>
/// <c>POST /internal/v1/ops/rates</c>: an exchange rate of ours. It is never changed: a later version counts before an earlier one. A request
/// that comes again under its key is answered with the version that it made.
/// </summary>
internal static class Rates
{
    private const int LongestSource = 100;
    private const int MostDecimals = 12;
    private const decimal Most = 1_000_000_000;

    internal sealed record Request(string Base, string Quote, string Rate, string Source, DateTimeOffset ObservedAt, DateTimeOffset ValidFrom, DateTimeOffset ValidUntil);

    public static async Task<Results<Ok<ExchangeRateView>, Problem>> AddAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var given, out var problem))
        {
            return problem;
        }

        if (Check(given, out var rate) is { } wrong)
        {
            return wrong;
        }

        if (!RequestKey.Read(context).Succeeded(out var key, out problem))
        {
            return problem;
        }

        var actor = InternalHeaders.ActorOf(context);
        if (await FindAsync(database, actor, key, cancellationToken) is { } before)
        {
            return Again(before, given, rate);
        }

        await using var command = database.CreateCommand("""
            INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by, request_key)
            VALUES ((SELECT coalesce(max(r.version), 0) + 1 FROM ledger.rates r WHERE r.base = $1 AND r.quote = $2), $1, $2, $3, $4, $5, $6, $7, $8, $9)
            RETURNING version
            """).With(given.Base, given.Quote, rate, given.Source, given.ObservedAt.ToUniversalTime(), given.ValidFrom.ToUniversalTime(), given.ValidUntil.ToUniversalTime(), actor);
        command.Parameters.Add(key.Parameter);
        try
        {
            return TypedResults.Ok(View((long)(await command.ExecuteScalarAsync(cancellationToken))!, given, rate));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return await FindAsync(database, actor, key, cancellationToken) is { } meanwhile
                ? Again(meanwhile, given, rate)
                : new Problem(StatusCodes.Status409Conflict, "exchange_rate_changed", "Somebody else gave a rate of these currencies at the same moment.", "rate");
        }
    }

    private static ExchangeRateView View(long version, Request given, decimal rate) =>
        new("exchange_rate", version, given.Base, given.Quote, rate.ToString(CultureInfo.InvariantCulture), given.Source, given.ObservedAt, given.ValidFrom, given.ValidUntil);

    private static Results<Ok<ExchangeRateView>, Problem> Again((long Version, Request Given, decimal Rate) before, Request given, decimal rate) =>
        before.Given == Kept(given) && before.Rate == rate ? TypedResults.Ok(View(before.Version, given, rate)) : Problems.IdempotencyKeyReused;

    // As the database keeps it: to the microsecond, and without the words of the rate.
    private static Request Kept(Request given) => given with { Rate = "", ObservedAt = Kept(given.ObservedAt), ValidFrom = Kept(given.ValidFrom), ValidUntil = Kept(given.ValidUntil) };

    private static DateTimeOffset Kept(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    private static async Task<(long Version, Request Given, decimal Rate)?> FindAsync(NpgsqlDataSource database, string actor, RequestKey key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT version, base, quote, source, observed_at, valid_from, valid_until, rate FROM ledger.rates WHERE uploaded_by = $1 AND request_key = $2
            """).With(actor);
        command.Parameters.Add(key.Parameter);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        return await r.ReadAsync(cancellationToken)
            ? (r.GetInt64(0), new(r.GetString(1), r.GetString(2), "", r.GetString(3), r.GetFieldValue<DateTimeOffset>(4), r.GetFieldValue<DateTimeOffset>(5), r.GetFieldValue<DateTimeOffset>(6)), r.GetDecimal(7))
            : null;
    }

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
