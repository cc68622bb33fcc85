using Npgsql;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Vault.Cards;

namespace Payments.Vault.Tokens;

/// <summary>
/// <c>POST /v1/tokens</c>: stores the card at every provider of the mode at once. One provider being down is tolerated and shows
/// in <c>providers</c>; it cannot be made up for later, because the number is gone then.
/// </summary>
internal sealed class CreateToken(ConnectorRegistry connectors, CardFingerprint fingerprint, TokenContexts contexts, IdempotentRequests once, TimeProvider time, ILogger<CreateToken> logger)
{
    internal sealed record Request(CardRequest Card, RiskContextBody? RiskContext = null)
    {
        public override string ToString() => "Request";
    }

    internal sealed record CardView(string Brand, string Last4, int ExpMonth, int ExpYear, string? Country, string? Funding);

    internal sealed record Response(TokenId Id, string Object, Mode Mode, CardView Card, IReadOnlyList<Provider> Providers, DateTimeOffset CreatedAt);

    public static Task<IResult> HandleAsync(HttpContext context, CreateToken useCase, CancellationToken cancellationToken) =>
        useCase.RunAsync(context, cancellationToken);

    private async Task<IResult> RunAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        RiskContext? told = null;
        if ((CardCheck.Refuse(request.Card, time.GetUtcNow()) ?? RiskContexts.Check(request.RiskContext, time.GetUtcNow(), out told)) is { } refused)
        {
            return refused;
        }

        var caller = context.Caller();
        return await once.RunAsync(
            context, IdempotencyScope.Of(caller), (work, token) => ExecuteAsync(caller, request.Card, told, work, token), cancellationToken);
    }

    private async Task<IdempotentResponse> ExecuteAsync(Caller caller, CardRequest card, RiskContext? told, IdempotentWork work, CancellationToken cancellationToken)
    {
        var id = TokenId.From(work.Subject);
        var call = new TokeniseCall(id, caller.MerchantId, caller.Mode, CardCheck.ToData(card));
        var answers = await Task.WhenAll(connectors.In(caller.Mode).Select(async c => (c.Provider, Answer: await c.TokeniseAsync(call, cancellationToken))));
        foreach (var (provider, answer) in answers)
        {
            VaultTelemetry.Tokenised(provider, caller.Mode, answer.Kind);
        }

        var kept = answers.Where(a => a.Answer is { Kind: OutcomeKind.Approved, ProviderToken: not null }).ToList();
        if (kept.Count == 0)
        {
            return Refusal(answers.Select(a => a.Answer));
        }

        foreach (var (provider, answer) in answers.Except(kept))
        {
            Log.TokenWithoutProvider(logger, id, provider, answer.Kind);
        }

        // Facts as the first provider that knows them tells them.
        var token = new CardToken(
            id,
            caller.MerchantId,
            caller.Mode,
            fingerprint.Of(caller.Mode, card.Number),
            CardBrands.Of(card.Number)!.Name,
            card.Number[..6],
            card.Number[^4..],
            card.ExpMonth,
            card.ExpYear,
            kept.Select(k => CountryOf(k.Answer)).FirstOrDefault(c => c is not null),
            kept.Select(k => FundingOf(k.Answer)).FirstOrDefault(f => f is not null),
            kept.ToDictionary(k => k.Provider, k => k.Answer.ProviderToken!));
        var transaction = await work.BeginAsync(cancellationToken);
        var createdAt = await InsertAsync(transaction, token, cancellationToken);
        if (told is not null)
        {
            await contexts.KeepAsync(transaction, token, told, cancellationToken);
        }

        return IdempotentResponse.Created(new Response(
            id,
            "token",
            token.Mode,
            new CardView(token.Brand, token.Last4, token.ExpMonth, token.ExpYear, token.Country, token.Funding),
            [.. token.ProviderTokens.Keys.Order()],
            createdAt));
    }

    /// <summary>A definite no is the customer's business; otherwise nobody could answer, and the same request may be sent again.</summary>
    private static Problem Refusal(IEnumerable<Tokenisation> answers) =>
        answers.FirstOrDefault(a => a.Kind == OutcomeKind.Declined)?.Decline is { } decline
            ? new Problem(402, decline.Code, decline.Message, "card")
            : Problems.ServiceUnavailable("Every payment provider", TimeSpan.FromSeconds(5));

    private static string? CountryOf(Tokenisation answer) =>
        answer.Country is { Length: 2 } country && country.All(char.IsAsciiLetterUpper) ? country : null;

    private static string? FundingOf(Tokenisation answer) => answer.Funding is "credit" or "debit" or "prepaid" or "unknown" ? answer.Funding : null;

    private static async Task<DateTimeOffset> InsertAsync(NpgsqlTransaction transaction, CardToken token, CancellationToken cancellationToken)
    {
        const string sql = """
            WITH token AS (
                INSERT INTO tokens (id, merchant_id, mode, fingerprint, brand, bin, last4, exp_month, exp_year, country, funding)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                RETURNING id, created_at),
            names AS (
                INSERT INTO provider_tokens (token_id, provider, provider_token)
                SELECT $1, provider, provider_token FROM unnest($12::text[], $13::text[]) AS given (provider, provider_token))
            SELECT created_at FROM token
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
        {
            Parameters =
            {
                new() { Value = token.Id.Value },
                new() { Value = token.MerchantId.Value },
                new() { Value = ModeNames.Of(token.Mode) },
                new() { Value = token.Fingerprint },
                new() { Value = token.Brand },
                new() { Value = token.Bin },
                new() { Value = token.Last4 },
                new() { Value = (short)token.ExpMonth },
                new() { Value = (short)token.ExpYear },
                new() { Value = (object?)token.Country ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                new() { Value = (object?)token.Funding ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                new() { Value = token.ProviderTokens.Keys.Select(ProviderNames.Of).ToArray() },
                new() { Value = token.ProviderTokens.Values.ToArray() },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetFieldValue<DateTimeOffset>(0);
    }
}
