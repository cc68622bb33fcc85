using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Core;
using Payments.Ledger.Payouts;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>A payout as its merchant sees it: what people wrote about it among themselves is not shown.</summary>
/// <param name="DueOn">The day from which on the bank is told to pay it.</param>
public sealed record MerchantPayoutView(PayoutId Id, string Object, Mode Mode, string Currency, long Amount, PayoutState Status, DateOnly DueOn, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary><c>GET /internal/v1/merchants/{merchant}/{mode}/payouts</c>, newest first, and <c>…/{id}</c>.</summary>
internal static class MerchantPayouts
{
    public static async Task<Results<Ok<Page<MerchantPayoutView>>, Problem>> ListAsync(
        HttpContext context, string merchant, string mode, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!MerchantPath.TryRead(merchant, mode, out var of))
        {
            return Problems.NotFound("merchant", "merchant");
        }

        var query = new RequestQuery(context);
        var (limit, cursor, status) = (query.Limit(), query.CursorId(), query.Choice<PayoutState>("status"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var rows = await PayoutEndpoints.ReadAsync(
            database, cursor, ModeNames.Of(of.Mode), of.Merchant.Value, status is { } s ? Words.Of(s) : null, null, limit + 1, cancellationToken);
        return TypedResults.Ok(Page.Of(rows.ConvertAll(Of), limit, r => Cursor.Of(r.Id.Value)));
    }

    public static async Task<Results<Ok<MerchantPayoutView>, Problem>> GetAsync(string merchant, string mode, string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!MerchantPath.TryRead(merchant, mode, out var of))
        {
            return Problems.NotFound("merchant", "merchant");
        }

        return Id.TryParse<PayoutId>(id, out var payout)
            && await PayoutEndpoints.ReadAsync(database, null, ModeNames.Of(of.Mode), of.Merchant.Value, null, payout.Value, 1, cancellationToken) is [var found]
            ? TypedResults.Ok(Of(found))
            : Problems.NotFound("payout");
    }

    private static MerchantPayoutView Of(PayoutView payout) =>
        new(payout.Id, "payout", payout.Mode, payout.Currency, payout.Amount, payout.Status, payout.DueOn, payout.CreatedAt, payout.UpdatedAt);
}
