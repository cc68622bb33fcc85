using Microsoft.AspNetCore.Mvc;
using Payments.Api.Operators;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Secrets;

namespace Payments.Api.Merchants;

/// <summary><c>POST /ops/v1/merchants/{id}/keys/{key_id}/roll</c>: a successor with the same rights; the old key works on for the overlap.</summary>
internal static class RollKey
{
    private const int LongestOverlap = 7 * 24 * 3600;

    public sealed record Request(int OverlapSeconds = 24 * 3600);

    public static async Task<IResult> HandleAsync(string id, [FromRoute(Name = "key_id")] string keyId, HttpContext context, IdempotentRequests requests, SecretBox box, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.OverlapSeconds is < 0 or > LongestOverlap)
        {
            return Problems.InvalidValue("overlap_seconds", $"An overlap is 0 to {LongestOverlap} seconds.");
        }

        if (!KeyPath.TryRead(id, keyId, out var path, out problem))
        {
            return problem;
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            if (await KeyStore.LockAsync(transaction, path.Merchant, path.Key, cancellation) is not { } old)
            {
                return await path.MissingAsync(transaction, cancellation);
            }

            if (old.RevokedAt is not null || old.RolledTo is not null)
            {
                return new Problem(409, "api_key_ended", "The key was revoked or rolled before; roll its successor.", "key_id");
            }

            var successor = await CreateKey.MakeAsync(transaction, box, old with { Id = new ApiKeyId(work.Subject) }, cancellation);
            await KeyStore.RollAsync(transaction, old.Id, successor.ApiKey.Id, TimeSpan.FromSeconds(request.OverlapSeconds), cancellation);
            await Audit.AppendAsync(transaction, context, "api_key.roll", old.Id.ToString(), new { Successor = successor.ApiKey.Id, request.OverlapSeconds }, cancellation);
            return IdempotentResponse.Created(successor);
        }, cancellationToken);
    }
}
