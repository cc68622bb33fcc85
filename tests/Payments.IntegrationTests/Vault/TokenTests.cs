using System.Net;
using System.Net.Http.Headers;
using Payments.Connectors;
using Payments.Core;
using Payments.IntegrationTests.Connectors;
using Xunit;

namespace Payments.IntegrationTests.Vault;

public sealed class TokenTests(VaultHost vault) : IClassFixture<VaultHost>, IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await vault.Providers.ClearFaultsAsync();

    [Fact]
    public async Task A_card_becomes_a_token_that_both_providers_can_charge()
    {
        using var answer = await vault.TokeniseAsync(VaultHost.Card());
        var token = await VaultHost.JsonAsync(answer, 201);
        Assert.Equal(("token", "test"), (token.GetProperty("object").GetString(), token.GetProperty("mode").GetString()));
        Assert.Equal(["stripe", "adyen"], token.GetProperty("providers").EnumerateArray().Select(p => p.GetString()));
        var card = token.GetProperty("card");
        Assert.Equal(("visa", "4242", 12, 2034, "US", "credit"), (card.GetProperty("brand").GetString(), card.GetProperty("last4").GetString(),
            card.GetProperty("exp_month").GetInt32(), card.GetProperty("exp_year").GetInt32(), card.GetProperty("country").GetString(), card.GetProperty("funding").GetString()));

        Assert.True(Id.TryParse<TokenId>(token.GetProperty("id").GetString(), out var id));
        var found = (await vault.Vault.FindAsync(vault.Merchant, Mode.Test, id, Cancel))!;
        Assert.Equal(("424242", "4242", "visa"), (found.Bin, found.Last4, found.Brand));
        Assert.Matches("^[0-9a-f]{64}$", found.Fingerprint);
        foreach (var provider in Enum.GetValues<Provider>())
        {
            var call = await vault.Providers.CallAsync(provider) with { ProviderToken = found.ProviderTokens[provider] };
            Assert.Equal(OutcomeKind.Approved, (await vault.Providers[provider].AuthorizeAsync(call, Cancel)).Kind);
        }
    }

    [Fact]
    public async Task The_payment_path_reads_a_token_and_nobody_else_does()
    {
        var id = await TokenAsync();
        var path = $"/internal/v1/merchants/{vault.Merchant}/test/tokens/{id}";
        using var found = await vault.SendAsync(HttpMethod.Get, path, VaultHost.InternalKey);
        var token = await VaultHost.JsonAsync(found, 200);
        Assert.Equal(2, token.GetProperty("provider_tokens").EnumerateObject().Count());

        foreach (var key in new[] { "sk_test_1", "pk_test_1", "wrong" })
        {
            using var refused = await vault.SendAsync(HttpMethod.Get, path, key);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        foreach (var elsewhere in new[]
        {
            $"/internal/v1/merchants/{vault.OtherMerchant}/test/tokens/{id}", $"/internal/v1/merchants/{vault.Merchant}/live/tokens/{id}",
            $"/internal/v1/merchants/{vault.Merchant}/test/tokens/tok_00000000000000000000000000", $"/internal/v1/merchants/x/test/tokens/{id}",
        })
        {
            using var missing = await vault.SendAsync(HttpMethod.Get, elsewhere, VaultHost.InternalKey);
            Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        }
    }

    [Fact]
    public async Task The_same_card_has_the_same_fingerprint_at_every_merchant()
    {
        var one = await vault.Vault.FindAsync(vault.Merchant, Mode.Test, Parse(await TokenAsync()), Cancel);
        var two = await vault.Vault.FindAsync(vault.OtherMerchant, Mode.Test, Parse(await TokenAsync("pk_test_2")), Cancel);
        Assert.NotEqual(one!.Id, two!.Id);
        Assert.Equal(one.Fingerprint, two.Fingerprint);
    }

    [Fact]
    public async Task A_repeated_request_gets_the_same_answer_and_stores_one_token()
    {
        using var first = await vault.TokeniseAsync(VaultHost.Card(), idempotencyKey: "same");
        using var again = await vault.TokeniseAsync(VaultHost.Card(), idempotencyKey: "same");
        Assert.Equal(await first.Content.ReadAsStringAsync(Cancel), await again.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(("true", false), (again.Headers.GetValues("Idempotency-Replayed").Single(), first.Headers.Contains("Idempotency-Replayed")));

        using var other = await vault.TokeniseAsync(VaultHost.Card("5555555555554444"), idempotencyKey: "same");
        Assert.Equal("idempotency_key_reused", (await VaultHost.JsonAsync(other, 422)).GetProperty("code").GetString());
        using var without = await vault.TokeniseAsync(VaultHost.Card(), idempotencyKey: "");
        Assert.Equal("idempotency_key_missing", (await VaultHost.JsonAsync(without, 400)).GetProperty("code").GetString());
    }

    [Theory]
    [InlineData(Provider.Stripe)]
    [InlineData(Provider.Adyen)]
    public async Task One_provider_down_leaves_a_token_of_the_other(Provider down)
    {
        await vault.Providers.InjectAsync(down, "tokenize", "503", count: 1);
        using var answer = await vault.TokeniseAsync(VaultHost.Card());
        var token = await VaultHost.JsonAsync(answer, 201);
        Assert.Equal([down == Provider.Stripe ? "adyen" : "stripe"], token.GetProperty("providers").EnumerateArray().Select(p => p.GetString()));
        var found = await vault.Vault.FindAsync(vault.Merchant, Mode.Test, Parse(token.GetProperty("id").GetString()!), Cancel);
        Assert.Equal([down == Provider.Stripe ? Provider.Adyen : Provider.Stripe], found!.ProviderTokens.Keys);
        Assert.Contains(vault.Logs, l => l.Contains($"was made without {down}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Both_providers_down_is_a_503_which_stores_nothing_and_may_be_repeated()
    {
        var before = await vault.QueryAsync<long>("SELECT count(*) FROM tokens");
        await vault.Providers.InjectAsync(Provider.Stripe, "tokenize", "429");
        await vault.Providers.InjectAsync(Provider.Adyen, "tokenize", "429");
        using var refused = await vault.TokeniseAsync(VaultHost.Card(), idempotencyKey: "both down");
        Assert.Equal("service_unavailable", (await VaultHost.JsonAsync(refused, 503)).GetProperty("code").GetString());
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(before, await vault.QueryAsync<long>("SELECT count(*) FROM tokens"));

        await vault.Providers.ClearFaultsAsync();
        using var repeated = await vault.TokeniseAsync(VaultHost.Card(), idempotencyKey: "both down");
        await VaultHost.JsonAsync(repeated, 201);
    }

    // body, status, code, param
    [Theory]
    [InlineData("""{"card":{"number":"4242424242424241","exp_month":12,"exp_year":2034,"cvc":"123"}}""", 400, "invalid_card_number", "card.number")]
    [InlineData("""{"card":{"number":4242424242424242,"exp_month":12,"exp_year":2034,"cvc":"123"}}""", 400, "wrong_type", "card.number")]
    [InlineData("""{"card":{"number":"4242424242424242","exp_month":"12","exp_year":2034,"cvc":"123"}}""", 400, "wrong_type", "card.exp_month")]
    [InlineData("""{"card":{"number":"4242424242424242","exp_month":12,"exp_year":2034}}""", 400, "missing_field", "card.cvc")]
    [InlineData("""{"card":{"number":"4242424242424242","exp_month":12,"exp_year":2034,"cvc":null}}""", 400, "null_field", "card.cvc")]
    [InlineData("""{"card":{"number":"4242424242424242","exp_month":12,"exp_year":2034,"cvc":"123","pin":"1"}}""", 400, "unknown_field", "card.pin")]
    [InlineData("""{"card":{"number":"4242424242424242","exp_month":13,"exp_year":2034,"cvc":"123"}}""", 400, "invalid_expiry_month", "card.exp_month")]
    [InlineData("""{"card":{"number":"4242424242424242","exp_month":12,"exp_year":2020,"cvc":"123"}}""", 400, "card_expired", "card.exp_year")]
    [InlineData("""{"card":{"number":"4242424242424242","exp_month":12,"exp_year":2034,"cvc":"1234"}}""", 400, "invalid_cvc", "card.cvc")]
    [InlineData("""{"card":{}}""", 400, "missing_field", "card.number")]
    [InlineData("""{}""", 400, "missing_field", "card")]
    [InlineData("""[]""", 400, "invalid_json", "body")]
    [InlineData("""{"card":""", 400, "invalid_json", "body")]
    public async Task Bad_cards_are_refused_before_any_provider_hears_of_them(string body, int status, string code, string param)
    {
        using var answer = await vault.TokeniseAsync(body);
        var problem = await VaultHost.JsonAsync(answer, status);
        Assert.Equal((code, param), (problem.GetProperty("code").GetString(), problem.GetProperty("param").GetString()));
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain("4242424242", await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sk_test_1", 403, "key_class_not_allowed")]
    [InlineData("pk_test_unknown", 401, "api_key_invalid")]
    [InlineData("pk_live_1", 503, "service_unavailable")]
    public async Task Tokens_are_made_with_publishable_keys_of_a_mode_that_has_providers(string key, int status, string code)
    {
        using var answer = await vault.TokeniseAsync(VaultHost.Card(), key);
        Assert.Equal(code, (await VaultHost.JsonAsync(answer, status)).GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_number_that_the_providers_refuse_is_a_decline()
    {
        // Passes every check of ours, and is no test card.
        using var answer = await vault.TokeniseAsync(VaultHost.Card("4929000000006"));
        Assert.Equal(402, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Deleting_a_token_ends_it_at_once_and_removes_the_card_from_the_providers()
    {
        var id = await TokenAsync();
        var found = (await vault.Vault.FindAsync(vault.Merchant, Mode.Test, Parse(id), Cancel))!;
        await vault.Providers.InjectAsync(Provider.Adyen, "tokenize", "503", count: 1);

        foreach (var key in new[] { "sk_test_2", "sk_live_1" })
        {
            using var foreign = await vault.SendAsync(HttpMethod.Delete, $"/v1/tokens/{id}", key);
            Assert.Equal("token_not_found", (await VaultHost.JsonAsync(foreign, 404)).GetProperty("code").GetString());
        }

        using var publishable = await vault.SendAsync(HttpMethod.Delete, $"/v1/tokens/{id}", "pk_test_1");
        Assert.Equal(HttpStatusCode.Forbidden, publishable.StatusCode);
        for (var i = 0; i < 2; i++)
        {
            using var deleted = await vault.SendAsync(HttpMethod.Delete, $"/v1/tokens/{id}", "sk_test_1");
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        Assert.Null(await vault.Vault.FindAsync(vault.Merchant, Mode.Test, Parse(id), Cancel));
        while (await vault.QueryAsync<long>($"SELECT count(*) FROM provider_tokens WHERE token_id = '{Parse(id).Value}' AND detached_at IS NULL") > 0)
        {
            // The first try at Adyen fails; its next is moved up rather than awaited.
            await using var hurry = vault.Database.CreateCommand("UPDATE provider_tokens SET detach_due_at = now() WHERE detach_due_at IS NOT NULL AND detach_tries > 0");
            await hurry.ExecuteNonQueryAsync(Cancel);
            await Task.Delay(200, Cancel);
        }

        Assert.Equal(0L, await vault.QueryAsync<long>($"SELECT count(provider_token) FROM provider_tokens WHERE token_id = '{Parse(id).Value}'"));
        foreach (var provider in Enum.GetValues<Provider>())
        {
            var call = await vault.Providers.CallAsync(provider) with { ProviderToken = found.ProviderTokens[provider] };
            Assert.Equal(OutcomeKind.Declined, (await vault.Providers[provider].AuthorizeAsync(call, Cancel)).Kind);
        }

        using var unknown = await vault.SendAsync(HttpMethod.Delete, "/v1/tokens/tok_nonsense", "sk_test_1");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task Browsers_of_any_shop_may_make_tokens_and_nothing_else()
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/tokens")
        {
            Headers = { { "Origin", "https://shop.test" }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", "authorization,content-type,idempotency-key" } },
        };
        using var allowed = await vault.Client.SendAsync(preflight, Cancel);
        Assert.Equal((HttpStatusCode.NoContent, "*"), (allowed.StatusCode, allowed.Headers.GetValues("Access-Control-Allow-Origin").Single()));
        Assert.Contains("Idempotency-Key", allowed.Headers.GetValues("Access-Control-Allow-Headers").Single(), StringComparison.OrdinalIgnoreCase);

        using var token = await vault.SendAsync(HttpMethod.Post, "/v1/tokens", "pk_test_1", VaultHost.Card(), null, ("Origin", "https://shop.test"));
        Assert.Equal("*", token.Headers.GetValues("Access-Control-Allow-Origin").Single());
        using var refused = await vault.SendAsync(HttpMethod.Post, "/v1/tokens", "pk_test_1", "{}", null, ("Origin", "https://shop.test"));
        Assert.Equal((HttpStatusCode.BadRequest, "*"), (refused.StatusCode, refused.Headers.GetValues("Access-Control-Allow-Origin").Single()));

        using var deletion = await vault.SendAsync(HttpMethod.Delete, "/v1/tokens/tok_nonsense", "sk_test_1", null, null, ("Origin", "https://shop.test"));
        Assert.False(deletion.Headers.Contains("Access-Control-Allow-Origin"));
    }

    private async Task<string> TokenAsync(string key = "pk_test_1")
    {
        using var answer = await vault.TokeniseAsync(VaultHost.Card(), key);
        return (await VaultHost.JsonAsync(answer, 201)).GetProperty("id").GetString()!;
    }

    private static TokenId Parse(string id) => Id.TryParse<TokenId>(id, out var token) ? token : throw new FormatException(id);
}
