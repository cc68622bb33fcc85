using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Merchants;

/// <summary><c>GET /ops/v1/merchants/{id}/keys</c></summary>
internal static class ListKeys
{
    public static async Task<IResult> HandleAsync(string id, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (after, limit) = (query.CursorId(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (!Id.TryParse<MerchantId>(id, out var merchant) || await MerchantStore.FindAsync(database, merchant, cancellationToken) is null)
        {
            return Problems.NotFound("merchant");
        }

        return TypedResults.Ok(Page.Of(await KeyStore.ListAsync(database, merchant, after, limit, cancellationToken), limit, k => Cursor.Of(k.Id.Value)));
    }
}
