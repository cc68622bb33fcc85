using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary><c>POST /v1/payments/{id}/void</c>: releases what is still held.</summary>
public static class VoidPayment
{
    /// <summary>An empty object, or no body at all.</summary>
    public sealed record Request;

    public static async Task<IResult> HandleAsync(HttpContext context, string id, Entrance entrance, ModifyPayment modify, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entrance);
        ArgumentNullException.ThrowIfNull(modify);
        return (await entrance.EnterAsync(context, cancellationToken)).Succeeded(out var entered, out var problem)
            && (await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out _, out problem)
                ? await modify.RunAsync(entered, id, (payment, limits, opened) => Opening.Void(payment, limits, opened), null, cancellationToken)
                : problem;
    }
}
