using Microsoft.AspNetCore.Http.HttpResults;
using NodaTime;
using Payments.Core;
using Payments.Ledger.Settlement;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Ledger.Endpoints;

/// <param name="Version">Grows with every change; the newest counts from the next cut-off on. 0: nobody set any, and these are the defaults.</param>
public sealed record SettlementTermsView(
    string Object, MerchantId MerchantId, Mode Mode, int Version, SettlementInterval Schedule, int? Weekday, string TimeZone, string Calendar, string? Currency, int ReserveBasisPoints, int ReserveDays);

/// <summary>
/// <c>GET</c> and <c>POST /internal/v1/ops/settlement_terms</c>: when and how a merchant is settled. A change names the version that was read,
/// so that nobody undoes what another one set meanwhile.
/// </summary>
internal static class Terms
{
    private const int MostReserveDays = 730;
    private const int MostVersions = 1_000_000;
    private static readonly string[] Currencies = ["USD", "EUR"];

    /// <param name="ExpectedVersion">That was read; 0 where there was none.</param>
    internal sealed record Request(
        MerchantId MerchantId, Mode Mode, int ExpectedVersion, SettlementInterval Schedule, string TimeZone, string Calendar, int? Weekday = null, string? Currency = null, int ReserveBasisPoints = 0, int ReserveDays = 0);

    public static async Task<Results<Ok<SettlementTermsView>, Problem>> GetAsync(HttpContext context, TermsStore store, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (merchant, mode) = (query.Id<MerchantId>("merchant"), query.Choice<Mode>("mode"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (merchant is not { } of || mode is not { } within)
        {
            return Problems.MissingParameter(merchant is null ? "merchant" : "mode");
        }

        var (terms, version) = await store.ReadAsync(within, of, cancellationToken);
        return TypedResults.Ok(View(of, within, terms, version));
    }

    public static async Task<IResult> SetAsync(HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
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
        return await requests.RunAsync(context, OperatorScope.Of(context), async (work, cancellation) =>
            await TermsStore.SetAsync(await work.BeginAsync(cancellation), wanted.Mode, wanted.MerchantId, terms, wanted.ExpectedVersion, InternalHeaders.ActorOf(context), cancellation)
                ? IdempotentResponse.Ok(View(wanted.MerchantId, wanted.Mode, terms, wanted.ExpectedVersion + 1))
                : new Problem(StatusCodes.Status409Conflict, "settlement_terms_changed", "These terms have another version now; read them and decide again.", "expected_version"), cancellationToken);
    }

    private static SettlementTermsView View(MerchantId merchant, Mode mode, SettlementTerms terms, int version) => new(
        "settlement_terms", merchant, mode, version, terms.Schedule, terms.Weekday, terms.TimeZone, terms.Calendar, terms.Currency, terms.ReserveBasisPoints, terms.ReserveDays);

    private static Problem? Check(Request wanted)
    {
        if (wanted.ExpectedVersion is < 0 or > MostVersions)
        {
            return Problems.InvalidValue("expected_version", $"The version that was read is expected: 0 to {MostVersions}.");
        }

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
