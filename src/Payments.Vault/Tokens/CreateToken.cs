using Npgsql;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Vault.BankAccounts;
using Payments.Vault.Cards;

namespace Payments.Vault.Tokens;

/// <summary>
/// <c>POST /v1/tokens</c>: stores a card, or a bank account, at every provider of the mode that takes it, at once. One provider being down
/// is tolerated and shows in <c>providers</c>; it cannot be made up for later, because the number is gone then.
/// </summary>
internal sealed class CreateToken(ConnectorRegistry connectors, CardFingerprint fingerprint, TokenContexts contexts, BankAccountStore accounts, IdempotentRequests once, TimeProvider time, ILogger<CreateToken> logger)
{
    private static readonly Problem Both = new(400, "ambiguous_token", "A token is of a card or of a bank account, not of both.", "bank_account");

    internal sealed record Request(CardRequest? Card = null, BankAccountRequest? BankAccount = null, MandateRequest? Mandate = null, RiskContextBody? RiskContext = null)
    {
        public override string ToString() => "Request";
    }

    internal sealed record CardView(string Brand, string Last4, int ExpMonth, int ExpYear, string? Country, string? Funding);

    internal sealed record BankAccountView(string Last4, string RoutingLast4, BankAccountType AccountType, BankHolderType HolderType, string? BankName);

    internal sealed record Response(TokenId Id, string Object, Mode Mode, CardView? Card, BankAccountView? BankAccount, IReadOnlyList<Provider> Providers, DateTimeOffset CreatedAt);

    public static Task<IResult> HandleAsync(HttpContext context, CreateToken useCase, CancellationToken cancellationToken) =>
        useCase.RunAsync(context, cancellationToken);

    private async Task<IResult> RunAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        Mandate? mandate = null;
        RiskContext? told = null;
        if ((Refuse(request, out mandate) ?? RiskContexts.Check(request.RiskContext, time.GetUtcNow(), out told)) is { } refused)
        {
            return refused;
        }

        var caller = context.Caller();
        return await once.RunAsync(
            context, IdempotencyScope.Of(caller), (work, token) => ExecuteAsync(caller, request, mandate, told, work, token), cancellationToken);
    }

    private Problem? Refuse(Request request, out Mandate? mandate)
    {
        mandate = null;
        return request switch
        {
            { Card: not null, BankAccount: not null } => Both,
            { Card: not null, Mandate: not null } => Problems.InvalidValue("mandate", "A mandate is of a bank account; cards have none."),
            { Card: { } card } => CardCheck.Refuse(card, time.GetUtcNow()),
            { BankAccount: { } account } => BankAccountCheck.Refuse(account) ?? (request.Mandate is { } given ? BankAccountCheck.Refuse(given, time.GetUtcNow(), out mandate) : Problems.MissingField("mandate")),
            _ => Problems.MissingField("card"),
        };
    }

    private async Task<IdempotentResponse> ExecuteAsync(Caller caller, Request request, Mandate? mandate, RiskContext? told, IdempotentWork work, CancellationToken cancellationToken)
    {
        var id = TokenId.From(work.Subject);
        var call = new TokeniseCall(id, caller.MerchantId, caller.Mode, request.Card is { } card ? CardCheck.ToData(card) : null)
        {
            BankAccount = request.BankAccount is { } account ? BankAccountCheck.ToData(account) : null,
        };
        var takers = connectors.In(caller.Mode).Where(c => call.BankAccount is null || c.Capabilities.BankDebits);
        var answers = await Task.WhenAll(takers.Select(async c => (c.Provider, Answer: await c.TokeniseAsync(call, cancellationToken))));
        foreach (var (provider, answer) in answers)
        {
            VaultTelemetry.Tokenised(provider, caller.Mode, answer.Kind);
        }

        var kept = answers.Where(a => a.Answer is { Kind: OutcomeKind.Approved, ProviderToken: not null }).ToList();
        if (kept.Count == 0)
        {
            return Refusal(answers.Select(a => a.Answer), request.Card is null ? "bank_account" : "card");
        }

        foreach (var (provider, answer) in answers.Except(kept))
        {
            Log.TokenWithoutProvider(logger, id, provider, answer.Kind);
        }

        var names = kept.ToDictionary(k => k.Provider, k => k.Answer.ProviderToken!);
        var token = request.Card is { } given
            ? TokenOf(id, caller, given, kept.ConvertAll(k => k.Answer), names)
            : TokenOf(id, caller, request.BankAccount!, mandate!, kept.ConvertAll(k => k.Answer), names);
        var transaction = await work.BeginAsync(cancellationToken);
        var createdAt = await InsertAsync(transaction, token, cancellationToken);
        if (request.BankAccount is { } named)
        {
            await accounts.KeepAsync(transaction, token, named.HolderName, cancellationToken);
        }

        if (told is not null)
        {
            await contexts.KeepAsync(transaction, token, told, cancellationToken);
        }

        return IdempotentResponse.Created(new Response(
            id,
            "token",
            token.Mode,
            token.BankAccount is null ? new CardView(token.Brand, token.Last4, token.ExpMonth, token.ExpYear, token.Country, token.Funding) : null,
            token.BankAccount is { } shown ? new BankAccountView(token.Last4, shown.RoutingLast4, shown.AccountType, shown.HolderType, shown.BankName) : null,
            [.. token.ProviderTokens.Keys.Order()],
            createdAt));
    }

    /// <summary>Facts as the first provider that knows them tells them.</summary>
    private CardToken TokenOf(TokenId id, Caller caller, CardRequest card, List<Tokenisation> kept, Dictionary<Provider, string> names) => new(
        id,
        caller.MerchantId,
        caller.Mode,
        fingerprint.Of(caller.Mode, card.Number),
        CardBrands.Of(card.Number)!.Name,
        card.Number[..6],
        card.Number[^4..],
        card.ExpMonth,
        card.ExpYear,
        kept.Select(CountryOf).FirstOrDefault(c => c is not null),
        kept.Select(FundingOf).FirstOrDefault(f => f is not null),
        names);

    private CardToken TokenOf(TokenId id, Caller caller, BankAccountRequest account, Mandate mandate, List<Tokenisation> kept, Dictionary<Provider, string> names) => new(
        id, caller.MerchantId, caller.Mode, fingerprint.OfAccount(caller.Mode, account.RoutingNumber, account.AccountNumber), PaymentMethodTypes.Ach, "",
        account.AccountNumber[^4..], 0, 0, "US", null, names)
    {
        BankAccount = new BankAccount(
            account.RoutingNumber[^4..], account.AccountType, account.HolderType, kept.Select(BankOf).FirstOrDefault(b => b is not null), mandate),
    };

    /// <summary>A definite no is the customer's business; otherwise nobody could answer, and the same request may be sent again.</summary>
    private static Problem Refusal(IEnumerable<Tokenisation> answers, string param) =>
        answers.FirstOrDefault(a => a.Kind == OutcomeKind.Declined)?.Decline is { } decline
            ? new Problem(402, decline.Code, decline.Message, param)
            : Problems.ServiceUnavailable("Every payment provider", TimeSpan.FromSeconds(5));

    private static string? CountryOf(Tokenisation answer) =>
        answer.Country is { Length: 2 } country && country.All(char.IsAsciiLetterUpper) ? country : null;

    private static string? FundingOf(Tokenisation answer) => answer.Funding is "credit" or "debit" or "prepaid" or "unknown" ? answer.Funding : null;

    private static string? BankOf(Tokenisation answer) => answer.BankName is { Length: > 0 and <= 100 } bank ? bank : null;

    private static async Task<DateTimeOffset> InsertAsync(NpgsqlTransaction transaction, CardToken token, CancellationToken cancellationToken)
    {
        const string sql = """
            WITH token AS (
                INSERT INTO tokens (id, merchant_id, mode, fingerprint, brand, bin, last4, exp_month, exp_year, country, funding, kind)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $14)
                RETURNING id, created_at),
            names AS (
                INSERT INTO provider_tokens (token_id, provider, provider_token)
                SELECT $1, provider, provider_token FROM unnest($12::text[], $13::text[]) AS given (provider, provider_token))
            SELECT created_at FROM token
            """;
        var isCard = token.BankAccount is null;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
        {
            Parameters =
            {
                new() { Value = token.Id.Value },
                new() { Value = token.MerchantId.Value },
                new() { Value = ModeNames.Of(token.Mode) },
                new() { Value = token.Fingerprint },
                new() { Value = token.Brand },
                new() { Value = isCard ? token.Bin : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                new() { Value = token.Last4 },
                new() { Value = isCard ? (short)token.ExpMonth : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Smallint },
                new() { Value = isCard ? (short)token.ExpYear : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Smallint },
                new() { Value = (object?)token.Country ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                new() { Value = (object?)token.Funding ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                new() { Value = token.ProviderTokens.Keys.Select(ProviderNames.Of).ToArray() },
                new() { Value = token.ProviderTokens.Values.ToArray() },
                new() { Value = isCard ? "card" : "bank_account" },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetFieldValue<DateTimeOffset>(0);
    }
}
