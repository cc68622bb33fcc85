using Microsoft.AspNetCore.Http;
using Payments.Core;

namespace Payments.Platform.Http;

/// <summary>Lets a request through to its endpoint if its key allows it.</summary>
internal sealed class Gatekeeper(RequestDelegate next, KeyAuthentication authentication)
{
    private static readonly PathString[] Guarded = ["/v1", "/ops", "/internal"];

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is { } endpoint)
        {
            var credential = endpoint.Metadata.GetMetadata<Credential>();

            // An endpoint of ours that says nothing is a mistake: closed. What the framework answers itself (405, 415) has a status to give.
            Invariant.Holds(
                credential is not null || endpoint is not Microsoft.AspNetCore.Routing.RouteEndpoint || !Array.Exists(Guarded, p => context.Request.Path.StartsWithSegments(p)),
                "every endpoint says which credential it requires");
            if (credential is not null && await authentication.RefuseAsync(context, credential) is { } problem)
            {
                await problem.ExecuteAsync(context);
                return;
            }
        }

        await next(context);
    }
}

/// <summary>Checks signatures after the rate limit, because they cost a hash over the body.</summary>
internal sealed class SignatureGate(RequestDelegate next, RequestSignature signature)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.KeyIdentity() is { } key && await signature.RefuseAsync(context, key) is { } problem)
        {
            await problem.ExecuteAsync(context);
            return;
        }

        await next(context);
    }
}
