using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Postgres;
using Payments.Vault.BankAccounts;

namespace Payments.Vault.Tokens;

/// <summary>Finds tokens for the payment path; those that are asked for at the same time in one round trip.</summary>
internal sealed class TokenDirectory : IVault
{
    private readonly NpgsqlDataSource database;
    private readonly TokenContexts contexts;
    private readonly BankAccountStore accounts;
    private readonly GroupReader<TokenKey, CardToken> tokens;

    public TokenDirectory(NpgsqlDataSource database, TokenContexts contexts, BankAccountStore accounts)
    {
        this.database = database;
        this.contexts = contexts;
        this.accounts = accounts;
        tokens = new(ReadAsync);
    }

    public Task<CardToken?> FindAsync(MerchantId merchant, Mode mode, TokenId token, CancellationToken cancellationToken) =>
        tokens.ReadAsync(new(merchant, mode, token), cancellationToken);

    private async Task<IReadOnlyDictionary<TokenKey, CardToken>> ReadAsync(IReadOnlyList<TokenKey> keys, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT w.n, t.fingerprint, t.brand, t.bin, t.last4, t.exp_month, t.exp_year, t.country, t.funding, c.sealed, p.provider, p.provider_token,
                b.routing_last4, b.account_type, b.holder_type, b.bank_name, b.mandate
            FROM unnest($1, $2, $3) WITH ORDINALITY AS w (id, merchant_id, mode, n)
            JOIN tokens t ON t.id = w.id AND t.merchant_id = w.merchant_id AND t.mode = w.mode AND t.deleted_at IS NULL
            JOIN provider_tokens p ON p.token_id = t.id
            LEFT JOIN token_contexts c ON c.token_id = t.id
            LEFT JOIN bank_accounts b ON b.token_id = t.id
            ORDER BY w.n
            """;
        await using var batch = database.CreateKeyedBatch(
            sql, keys.Select(k => k.Token.Value).ToArray(), keys.Select(k => k.Merchant.Value).ToArray(), keys.Select(k => ModeNames.Of(k.Mode)).ToArray());
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        await row.NextResultAsync(cancellationToken);
        var found = new Dictionary<TokenKey, CardToken>(keys.Count);
        var names = new Dictionary<Provider, string>();
        while (await row.ReadAsync(cancellationToken))
        {
            // A token has a row for each provider.
            var key = keys[(int)row.GetInt64(0) - 1];
            if (!found.ContainsKey(key))
            {
                names = [];
                found.Add(key, Read(key, row, names));
            }

            names.Add(ProviderNames.Parse(row.GetString(10)), row.GetString(11));
        }

        return found;
    }

    private CardToken Read(TokenKey key, NpgsqlDataReader row, Dictionary<Provider, string> names) => new(
        key.Token,
        key.Merchant,
        key.Mode,
        row.GetString(1),
        row.GetString(2),
        row.IsDBNull(3) ? "" : row.GetString(3),
        row.GetString(4),
        row.IsDBNull(5) ? 0 : row.GetInt16(5),
        row.IsDBNull(6) ? 0 : row.GetInt16(6),
        row.IsDBNull(7) ? null : row.GetString(7),
        row.IsDBNull(8) ? null : row.GetString(8),
        names)
    {
        Context = row.IsDBNull(9) ? null : contexts.Open(key.Token, row.GetString(9)),
        BankAccount = row.IsDBNull(12)
            ? null
            : new BankAccount(
                row.GetString(12), Words.Parse<BankAccountType>(row.GetString(13)), Words.Parse<BankHolderType>(row.GetString(14)), row.IsDBNull(15) ? null : row.GetString(15),
                accounts.Open(key.Token, row.GetString(16))),
    };

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
            ? InternalJson.Answer(found)
            : Problems.NotFound("token", "token");
    }

    /// <summary><c>POST /internal/v1/tokens/find</c>: several at once.</summary>
    public static async Task<IResult> HandleManyAsync(HttpContext context, IVault vault, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<TokenQuestions>(context, cancellationToken)).Succeeded(out var asked, out var problem))
        {
            return problem;
        }

        return asked.Tokens.Count > TokenQuestions.Most
            ? Problems.InvalidValue("tokens", $"At most {TokenQuestions.Most} tokens are found at once.")
            : InternalJson.Answer(new TokenAnswers(await Task.WhenAll(asked.Tokens.Select(t => vault.FindAsync(t.Merchant, t.Mode, t.Token, cancellationToken)))));
    }
}
