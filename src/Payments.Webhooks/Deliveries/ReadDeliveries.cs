using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Platform.Http;
using Payments.Webhooks.Endpoints;

namespace Payments.Webhooks.Deliveries;

/// <summary><c>GET webhook_endpoints/{id}/deliveries?status=&amp;limit=&amp;cursor=</c>: the delivery log, newest first.</summary>
public static class ReadDeliveries
{
    private enum Status
    {
        Pending,
        Delivered,
        Failed,
        Canceled,
    }

    public static async Task<Results<Ok<Page<DeliveryView>>, Problem>> ListAsync(Owner owner, string id, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, status) = (query.Limit(), query.CursorId(), query.Choice<Status>("status"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (await ReadEndpoints.FindAsync(owner, id, database, cancellationToken) is not { } endpoint)
        {
            return EndpointRules.NotFound;
        }

        var rows = await DeliveryLog.ReadAsync(database, endpoint.Id, null, status?.ToString().ToLowerInvariant(), cursor, limit + 1, cancellationToken);
        return TypedResults.Ok(Page.Of(rows, limit, d => Cursor.Of(d.Id.Value)));
    }
}
