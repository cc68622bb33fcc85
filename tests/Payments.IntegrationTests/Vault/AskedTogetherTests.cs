using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Payments.Core;
using Payments.Core.Seams;
using Payments.IntegrationTests.Connectors;
using Payments.Platform.Http.Seams;
using Xunit;

namespace Payments.IntegrationTests.Vault;

/// <summary>What the payment path asks the vault for at the same time shares requests.</summary>
public sealed class AskedTogetherTests(VaultHost vault) : IClassFixture<VaultHost>
{
    private const int Each = 60;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_who_asks_has_the_answer_to_its_own_question(bool older)
    {
        var (one, two) = (await TokenAsync("pk_test_1"), await TokenAsync("pk_test_2"));
        var seen = new Wire(older);
        await using var caller = Caller(seen);
        var client = caller.Services.GetRequiredService<IVault>();
        (MerchantId Merchant, Mode Mode, TokenId Token, bool IsThere)[] kinds =
        [
            (vault.Merchant, Mode.Test, one, true), (vault.OtherMerchant, Mode.Test, two, true), (vault.OtherMerchant, Mode.Test, one, false),
            (vault.Merchant, Mode.Live, one, false), (vault.Merchant, Mode.Test, ProvidersWorld.Ids.New<TokenId>(), false),
        ];
        var asked = Enumerable.Range(0, Each * kinds.Length).Select(n => kinds[n % kinds.Length]).ToArray();

        var found = await Task.WhenAll(asked.Select(a => client.FindAsync(a.Merchant, a.Mode, a.Token, Cancel)));

        Assert.All(asked.Zip(found), pair => Assert.Equal(
            pair.First.IsThere ? (pair.First.Merchant, pair.First.Token) : null, pair.Second is null ? ((MerchantId, TokenId)?)null : (pair.Second.MerchantId, pair.Second.Id)));
        Assert.All(found.Where(f => f is not null), f => Assert.Equal(2, f!.ProviderTokens.Count));
        Assert.NotEqual(0, seen.Together);
        Assert.True(older || seen.Alone + seen.Together < asked.Length / 10, $"{seen.Alone} questions alone and {seen.Together} together");
    }

    [Fact]
    public async Task The_vault_finds_so_many_at_once_and_tells_only_services()
    {
        var key = new { merchant = vault.Merchant.ToString(), mode = "test", token = (await TokenAsync("pk_test_1")).ToString() };
        string Asking(int tokens) => System.Text.Json.JsonSerializer.Serialize(new { tokens = Enumerable.Repeat(key, tokens) });
        using var most = await vault.SendAsync(HttpMethod.Post, "/internal/v1/tokens/find", VaultHost.InternalKey, Asking(TokenQuestions.Most));
        Assert.Equal(TokenQuestions.Most, (await VaultHost.JsonAsync(most, 200)).GetProperty("tokens").GetArrayLength());

        using var beyond = await vault.SendAsync(HttpMethod.Post, "/internal/v1/tokens/find", VaultHost.InternalKey, Asking(TokenQuestions.Most + 1));
        Assert.Equal("tokens", (await VaultHost.JsonAsync(beyond, 400)).GetProperty("param").GetString());
        foreach (var wrong in new[] { "sk_test_1", "pk_test_1", "wrong" })
        {
            using var refused = await vault.SendAsync(HttpMethod.Post, "/internal/v1/tokens/find", wrong, Asking(1));
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
    }

    private WebApplication Caller(Wire wire)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Payments:Urls:Vault"] = vault.Client.BaseAddress!.ToString(),
            ["Payments:InternalKey"] = VaultHost.InternalKey,
        });
        builder.Services.ConfigureHttpClientDefaults(clients => clients.AddHttpMessageHandler(() => new Watch(wire)));
        builder.AddVaultClient();
        return builder.Build();
    }

    private async Task<TokenId> TokenAsync(string key)
    {
        using var answer = await vault.TokeniseAsync(VaultHost.Card(), key);
        var id = (await VaultHost.JsonAsync(answer, 201)).GetProperty("id").GetString()!;
        return Id.TryParse<TokenId>(id, out var token) ? token : throw new FormatException(id);
    }

    /// <param name="older">Whether the vault is of a version that is asked for one at a time.</param>
    private sealed class Wire(bool older)
    {
        private int alone;
        private int together;

        public int Alone => alone;

        public int Together => together;

        public bool Refuses(HttpRequestMessage request)
        {
            Interlocked.Increment(ref request.Method == HttpMethod.Get ? ref alone : ref together);
            return older && request.Method == HttpMethod.Post;
        }
    }

    private sealed class Watch(Wire wire) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            wire.Refuses(request) ? Task.FromResult(new HttpResponseMessage(HttpStatusCode.NotFound)) : base.SendAsync(request, cancellationToken);
    }
}
