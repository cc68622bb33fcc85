using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Vault.Tokens;

/// <summary>
/// <c>DELETE /v1/tokens/{id}</c>: from this moment the token is unusable; the providers are told by <see cref="DetachWorker"/>, as
/// often as it takes. Deleting again answers the same.
/// </summary>
internal static class DeleteToken
{
    public static async Task<IResult> HandleAsync(string id, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<TokenId>(id, out var token))
        {
            return Problems.NotFound("token");
        }

        const string sql = """
            WITH deleted AS (
                UPDATE tokens SET deleted_at = now() WHERE id = $1 AND merchant_id = $2 AND mode = $3 AND deleted_at IS NULL RETURNING id),
            forgotten AS (
                DELETE FROM token_contexts WHERE token_id IN (SELECT id FROM deleted)),
            due AS (
                UPDATE provider_tokens SET detach_due_at = now() WHERE token_id IN (SELECT id FROM deleted))
            SELECT EXISTS (SELECT FROM tokens WHERE id = $1 AND merchant_id = $2 AND mode = $3)
            """;
        var caller = context.Caller();
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = token.Value });
        command.Parameters.Add(new() { Value = caller.MerchantId.Value });
        command.Parameters.Add(new() { Value = ModeNames.Of(caller.Mode) });
        return await command.ExecuteScalarAsync(cancellationToken) is true
            ? Results.NoContent()
            : Problems.NotFound("token");
    }
}
