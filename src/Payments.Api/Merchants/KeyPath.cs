using System.Diagnostics.CodeAnalysis;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Merchants;

/// <summary>The ids in <c>/merchants/{id}/keys/{key_id}</c>.</summary>
internal readonly record struct KeyPath(MerchantId Merchant, ApiKeyId Key)
{
    public static bool TryRead(string id, string keyId, out KeyPath path, [NotNullWhen(false)] out Problem? problem)
    {
        var hasMerchant = Id.TryParse<MerchantId>(id, out var merchant);
        var hasKey = Id.TryParse<ApiKeyId>(keyId, out var key);
        path = new KeyPath(merchant, key);
        problem = !hasMerchant ? Problems.NotFound("merchant") : !hasKey ? Problems.NotFound("api_key", "key_id") : null;
        return problem is null;
    }

    /// <summary>Which of the two is not there, once the key was not found.</summary>
    public async Task<Problem> MissingAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        await MerchantStore.LockAsync(transaction, Merchant, cancellationToken) is null ? Problems.NotFound("merchant") : Problems.NotFound("api_key", "key_id");
}
