using Microsoft.AspNetCore.Http.HttpResults;
using NodaTime;
using Payments.Core;
using Payments.Ledger.Settlement;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <param name="Version">Grows with every change; the newest counts from the next cut-off on.</param>
public sealed record SettlementTermsView(
    string Object, MerchantId MerchantId, Mode Mode, int Version, SettlementInterval Schedule, int? Weekday, string TimeZone, string Calendar, string? Currency, int ReserveBasisPoints, int ReserveDays);

/// <summary><c>POST /internal/v1/ops/settlement_terms</c>: when and how a merchant is settled. A request that comes again under its key is answered with the version that it made.</summary>
internal static class Terms
{
    private const int MostReserveDays = 730;
    private static readonly string[] Currencies = ["USD", "EUR"];

    internal sealed record Request(
        MerchantId MerchantId, Mode Mode, SettlementInterval Schedule, string TimeZone, string Calendar, int? Weekday = null, string? Currency = null, int ReserveBasisPoints = 0, int ReserveDays = 0);

    public static async Task<Results<Ok<SettlementTermsView>, Problem>> SetAsync(HttpContext context, TermsStore store, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var wanted, out var problem))
        {
            return problem;
        }

        if (Check(wanted) is { } wrong)
        {
            return wrong;
        }

        var terms = new SettlementTerms(wanted.Schedule, wanted.Weekday, wanted.TimeZone, wanted.Calendar, wanted.Currency, wanted.ReserveBasisPoints, wanted.ReserveDays);
        if (!RequestKey.Read(context).Succeeded(out var key, out problem))
        {
            return problem;
        }

        var actor = InternalHeaders.ActorOf(context);
        if (await AgainAsync(store, wanted, terms, actor, key, cancellationToken) is { } before)
        {
            return before;
        }

        if (await store.SetAsync(wanted.Mode, wanted.MerchantId, terms, actor, key.Text, cancellationToken) is { } version)
        {
            return TypedResults.Ok(View(wanted, terms, version));
        }

        return await AgainAsync(store, wanted, terms, actor, key, cancellationToken)
            ?? new Problem(StatusCodes.Status409Conflict, "settlement_terms_changed", "Somebody else set terms of this merchant at the same moment; decide again.", "merchant_id");
    }

    /// <summary>Null: nothing was set under this key.</summary>
    private static async Task<Results<Ok<SettlementTermsView>, Problem>?> AgainAsync(TermsStore store, Request wanted, SettlementTerms terms, string actor, RequestKey key, CancellationToken cancellationToken)
    {
        if (key.Text is null || await store.OfRequestAsync(actor, key.Text, cancellationToken) is not { } before)
        {
            return null;
        }

        return (before.Mode, before.Merchant, before.Terms) == (wanted.Mode, wanted.MerchantId, terms) ? TypedResults.Ok(View(wanted, terms, before.Version)) : Problems.IdempotencyKeyReused;
    }

    private static SettlementTermsView View(Request wanted, SettlementTerms terms, int version) => new(
        "settlement_terms", wanted.MerchantId, wanted.Mode, version, terms.Schedule, terms.Weekday, terms.TimeZone, terms.Calendar, terms.Currency, terms.ReserveBasisPoints, terms.ReserveDays);

    private static Problem? Check(Request wanted)
    {
        if (DateTimeZoneProviders.Tzdb.GetZoneOrNull(wanted.TimeZone) is null)
        {
            return Problems.InvalidValue("time_zone", "A name of the tz database is expected, as Europe/Berlin.");
        }

        if (!BankingDays.Has(wanted.Calendar))
        {
            return Problems.InvalidValue("calendar", $"One of these is expected: {string.Join(", ", BankingDays.Names)}.");
        }

        if ((wanted.Schedule == SettlementInterval.Weekly) != (wanted.Weekday is >= 1 and <= 7))
        {
            return Problems.InvalidValue("weekday", "1 (Monday) to 7 is expected with the weekly schedule, and nothing with another.");
        }

        if (wanted.Currency is { } currency && !Currencies.Contains(currency))
        {
            return Problems.InvalidValue("currency", $"One of these is expected: {string.Join(", ", Currencies)}.");
        }

        if (wanted.ReserveBasisPoints is < 0 or > 10_000)
        {
            return Problems.InvalidValue("reserve_basis_points", "0 to 10000 is expected.");
        }

        return wanted.ReserveDays is < 0 or > MostReserveDays || (wanted.ReserveBasisPoints == 0) != (wanted.ReserveDays == 0)
            ? Problems.InvalidValue("reserve_days", $"1 to {MostReserveDays} is expected with a reserve, and 0 without.")
            : null;
    }
}
