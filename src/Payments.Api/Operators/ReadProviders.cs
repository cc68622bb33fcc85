using Payments.Connectors;
using Payments.Platform.Http;

namespace Payments.Api.Operators;

/// <summary><c>GET /ops/v1/providers</c>: each provider as this replica sees it.</summary>
internal static class ReadProviders
{
    public static IResult List(HttpContext context, ConnectorRegistry connectors) =>
        new RequestQuery(context).Problem is { } problem ? problem : TypedResults.Ok(Page.Whole(connectors.Health()));
}
