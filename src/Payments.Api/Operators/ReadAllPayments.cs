using System.Text.Json;
using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Operators;

/// <summary><c>GET /ops/v1/payments</c>, <c>GET /ops/v1/payments/{id}</c>: across merchants and modes.</summary>
internal static class ReadAllPayments
{
    public static async Task<IResult> ManyAsync(HttpContext context, PaymentList list, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var filter = ReadPayments.FilterOf(query) with { Merchant = query.Id<MerchantId>("merchant_id"), Mode = query.Choice<Mode>("mode") };
        var (limit, after) = (query.Limit(), query.CursorId());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var payments = await list.FindAsync(filter, limit + 1, after, cancellationToken);
        var page = Page.Of(payments, limit, p => Cursor.Of(p.Id.Value));
        return TypedResults.Json(new Page<PaymentView>([.. page.Data.Select(p => p.View())], page.HasMore, page.NextCursor), Json.Options);
    }

    public static async Task<IResult> OneAsync(string id, HttpContext context, PaymentStore store, Recoveries recoveries, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        if (!Id.TryParse<PaymentId>(id, out var paymentId)
            || await store.LocateAsync(paymentId, cancellationToken) is not { } key
            || await store.FindAsync(key, cancellationToken) is not { } payment)
        {
            return Problems.NotFound("payment");
        }

        var detailed = ReadPayments.Detailed(payment, await recoveries.ListAsync(payment.Id, null, null, ReadPayments.MostRecoveries, cancellationToken));

        // What an entry of a block list needs. Merchants do not see it: it would tell them which of their customers' cards are one.
        detailed["card_fingerprint"] = payment.Details.CardFingerprint;
        return TypedResults.Json(detailed, (JsonSerializerOptions?)Json.Options);
    }
}
