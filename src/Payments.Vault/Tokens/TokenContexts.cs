using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Vault.Tokens;

/// <summary>
/// What was told of the browser that made a token: personal data, so sealed, apart from the token, and gone when somebody asks for that
/// or deletes the token.
/// </summary>
internal sealed class TokenContexts(NpgsqlDataSource database, SecretBox box, RequestFingerprint hashes)
{
    public async Task KeepAsync(NpgsqlTransaction transaction, CardToken token, RiskContext context, CancellationToken cancellationToken)
    {
        const string sql = "INSERT INTO token_contexts (token_id, merchant_id, mode, sealed, email) VALUES ($1, $2, $3, $4, $5)";
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(
            token.Id.Value, token.MerchantId.Value, ModeNames.Of(token.Mode), box.Seal(JsonSerializer.Serialize(context, Json.Options), PurposeOf(token.Id)));
        command.Parameters.Add(new() { Value = (object?)PersonHashes.Email(hashes, token.MerchantId, token.Mode, context.Email) ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public RiskContext Open(TokenId token, string sealedText) => JsonSerializer.Deserialize<RiskContext>(box.Open(sealedText, PurposeOf(token)), Json.Options)!;

    public async Task<long> EraseAsync(MerchantId merchant, Mode mode, ContextErasure erasure, CancellationToken cancellationToken)
    {
        const string sql = "DELETE FROM token_contexts WHERE merchant_id = $1 AND mode = $2 AND (token_id = ANY ($3) OR email = $4)";
        await using var command = database.CreateCommand(sql).With(merchant.Value, ModeNames.Of(mode), erasure.Tokens.Select(t => t.Value).ToArray());
        command.Parameters.Add(new()
        {
            Value = erasure.EmailHash is { } email ? Convert.FromBase64String(email) : DBNull.Value,
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea,
        });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary><c>POST /internal/v1/merchants/{merchant}/{mode}/erasures</c>.</summary>
    public static async Task<IResult> HandleAsync(string merchant, string mode, HttpContext context, IVault vault, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<MerchantId>(merchant, out var merchantId) || !ModeNames.TryParse(mode, out var parsedMode))
        {
            return Problems.NotFound("merchant", "merchant");
        }

        return (await RequestBody.ReadAsync<ContextErasure>(context, cancellationToken)).Succeeded(out var erasure, out var problem)
            ? Results.Json(new { Tokens = await vault.EraseAsync(merchantId, parsedMode, erasure, cancellationToken) }, Json.Options)
            : problem;
    }

    private static string PurposeOf(TokenId token) => $"token_context:{token}";
}
