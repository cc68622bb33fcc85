using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Vault.Tokens;

/// <summary>Finds tokens for the payment path.</summary>
internal sealed class TokenDirectory(NpgsqlDataSource database, TokenContexts contexts) : IVault
{
    public async Task<CardToken?> FindAsync(MerchantId merchant, Mode mode, TokenId token, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT t.fingerprint, t.brand, t.bin, t.last4, t.exp_month, t.exp_year, t.country, t.funding, p.provider, p.provider_token, c.sealed
            FROM tokens t JOIN provider_tokens p ON p.token_id = t.id
            LEFT JOIN token_contexts c ON c.token_id = t.id
            WHERE t.id = $1 AND t.merchant_id = $2 AND t.mode = $3 AND t.deleted_at IS NULL
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = token.Value });
        command.Parameters.Add(new() { Value = merchant.Value });
        command.Parameters.Add(new() { Value = ModeNames.Of(mode) });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        CardToken? found = null;
        var names = new Dictionary<Provider, string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            names.Add(ProviderNames.Parse(reader.GetString(8)), reader.GetString(9));
            found ??= new CardToken(
                token,
                merchant,
                mode,
                reader.GetString(0),
                reader.GetString(1),
                reader.GetString(2),
                reader.GetString(3),
                reader.GetInt16(4),
                reader.GetInt16(5),
                reader.IsDBNull(6) ? null : reader.GetString(6),
                reader.IsDBNull(7) ? null : reader.GetString(7),
                names)
            { Context = reader.IsDBNull(10) ? null : contexts.Open(token, reader.GetString(10)) };
        }

        return found;
    }

    public Task<long> EraseAsync(MerchantId merchant, Mode mode, ContextErasure erasure, CancellationToken cancellationToken) =>
        contexts.EraseAsync(merchant, mode, erasure, cancellationToken);

    /// <summary><c>GET /internal/v1/merchants/{merchant}/{mode}/tokens/{token}</c>.</summary>
    public static async Task<IResult> HandleAsync(string merchant, string mode, string token, IVault vault, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<MerchantId>(merchant, out var merchantId) || !ModeNames.TryParse(mode, out var parsedMode) || !Id.TryParse<TokenId>(token, out var tokenId))
        {
            return Problems.NotFound("token", "token");
        }

        return await vault.FindAsync(merchantId, parsedMode, tokenId, cancellationToken) is { } found
            ? Results.Json(found, Json.Options)
            : Problems.NotFound("token", "token");
    }
}
