using Microsoft.AspNetCore.Http;

namespace Payments.Simulators.Wire;

/// <summary>A request as the resources see it: read, authenticated, and with what belongs around it.</summary>
public sealed record Call(HttpContext Http, byte[] Body, string? Key, string RequestId, string PublicUrl)
{
    public string Route(string name) => Http.GetRouteValue(name) as string ?? "";

    public string? Query(string name) => Http.Request.Query.TryGetValue(name, out var value) ? value.ToString() : null;
}
