using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Merchants;

/// <summary><c>GET /ops/v1/merchants</c>, <c>GET /ops/v1/merchants/{id}</c></summary>
internal static class ReadMerchants
{
    public static async Task<IResult> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (active, after, limit) = (query.Flag("active"), query.CursorId(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        return TypedResults.Ok(Page.Of(await MerchantStore.ListAsync(database, active, after, limit, cancellationToken), limit, m => Cursor.Of(m.Id.Value)));
    }

    public static async Task<IResult> GetAsync(string id, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        return Id.TryParse<MerchantId>(id, out var merchantId) && await MerchantStore.FindAsync(database, merchantId, cancellationToken) is { } merchant
            ? TypedResults.Ok(merchant)
            : Problems.NotFound("merchant");
    }
}
