using System.Net;
using System.Net.Http.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Postgres;

namespace Payments.Platform.Http.Seams;

/// <summary>
/// The vault over HTTP. A lone question is <c>GET /internal/v1/merchants/{merchant}/{mode}/tokens/{token}</c>; those that come while others
/// are under way are asked together, <c>POST /internal/v1/tokens/find</c>.
/// </summary>
internal sealed class HttpVault : IVault
{
    private readonly IHttpClientFactory clients;
    private readonly GroupReader<TokenKey, CardToken> tokens;

    public HttpVault(IHttpClientFactory clients)
    {
        this.clients = clients;
        tokens = new(AskAsync, lanes: 1, TokenQuestions.Most);
    }

    public Task<CardToken?> FindAsync(MerchantId merchant, Mode mode, TokenId token, CancellationToken cancellationToken) =>
        tokens.ReadAsync(new(merchant, mode, token), cancellationToken);

    public async Task<long> EraseAsync(MerchantId merchant, Mode mode, ContextErasure erasure, CancellationToken cancellationToken)
    {
        using var client = clients.CreateInternalClient("Vault");
        using var response = await client.PostAsJsonAsync(
            new Uri($"internal/v1/merchants/{merchant}/{ModeNames.Of(mode)}/erasures", UriKind.Relative), erasure, Json.Options, cancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<Erased>(Json.Options, cancellationToken))?.Tokens ?? throw new HttpRequestException("The vault answered without a number.");
    }

    private async Task<IReadOnlyDictionary<TokenKey, CardToken>> AskAsync(IReadOnlyList<TokenKey> keys, CancellationToken cancellationToken)
    {
        using var client = clients.CreateInternalClient("Vault");
        var found = keys.Count > 1 ? await AskTogetherAsync(client, keys, cancellationToken) : null;
        found ??= await Task.WhenAll(keys.Select(key => AskOneAsync(client, key, cancellationToken)));
        return keys.Zip(found).Where(answer => answer.Second is not null).ToDictionary(answer => answer.First, answer => answer.Second!);
    }

    private static async Task<CardToken?> AskOneAsync(HttpClient client, TokenKey key, CancellationToken cancellationToken)
    {
        using var response = await client.GetAsync(
            new Uri($"internal/v1/merchants/{key.Merchant}/{ModeNames.Of(key.Mode)}/tokens/{key.Token}", UriKind.Relative), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<CardToken>(Json.Options, cancellationToken);
    }

    /// <summary>Null where the vault is of a version that is asked for one at a time.</summary>
    private static async Task<IReadOnlyList<CardToken?>?> AskTogetherAsync(HttpClient client, IReadOnlyList<TokenKey> keys, CancellationToken cancellationToken)
    {
        using var response = await client.PostAsync(new Uri("internal/v1/tokens/find", UriKind.Relative), InternalJson.Content(new TokenQuestions(keys)), cancellationToken);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<TokenAnswers>(Json.Options, cancellationToken) is { } answers && answers.Tokens.Count == keys.Count
            ? answers.Tokens
            : throw new HttpRequestException("The vault did not answer every question.");
    }

    private sealed record Erased(long Tokens);
}
