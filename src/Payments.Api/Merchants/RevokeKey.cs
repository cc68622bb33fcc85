using Microsoft.AspNetCore.Mvc;
using Payments.Api.Operators;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Merchants;

/// <summary><c>POST /ops/v1/merchants/{id}/keys/{key_id}/revoke</c>: the key stops working everywhere within five seconds.</summary>
internal static class RevokeKey
{
    public sealed record Request;

    public static async Task<IResult> HandleAsync(string id, [FromRoute(Name = "key_id")] string keyId, HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out _, out var problem))
        {
            return problem;
        }

        if (!KeyPath.TryRead(id, keyId, out var path, out problem))
        {
            return problem;
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            if (await KeyStore.LockAsync(transaction, path.Merchant, path.Key, cancellation) is null)
            {
                return await path.MissingAsync(transaction, cancellation);
            }

            await KeyStore.RevokeAsync(transaction, path.Key, cancellation);
            await Audit.AppendAsync(transaction, context, "api_key.revoke", path.Key.ToString(), new { MerchantId = path.Merchant }, cancellation);
            return IdempotentResponse.Ok(await KeyStore.LockAsync(transaction, path.Merchant, path.Key, cancellation));
        }, cancellationToken);
    }
}
