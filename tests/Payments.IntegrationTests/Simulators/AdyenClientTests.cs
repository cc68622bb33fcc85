using System.Text.Json;
using Payments.Simulators.Adyen;

namespace Payments.IntegrationTests.Simulators;

/// <summary>What npm <c>@adyen/api-library</c>, unmodified, sees of the simulator over TLS. One process runs all scenarios.</summary>
public sealed class AdyenClientRun : IAsyncLifetime
{
    private static readonly string[] Scenarios = ["life", "cancel", "cancelByReference", "automatic", "declines", "idempotency", "stored", "challenge", "webhooks", "refusals", "checkout"];
    private JsonElement seen;

    public async ValueTask InitializeAsync()
    {
        await using var simulator = await RunningSimulator.StartAsync(TestContext.Current.CancellationToken);
        var environment = new Dictionary<string, string>
        {
            ["SIMULATOR_URL"] = $"https://localhost:{simulator.Https.Port}",
            ["CONTROL_URL"] = simulator.Base.ToString().TrimEnd('/'),
            ["ADYEN_KEY"] = RunningSimulator.AdyenKey,
            ["ADYEN_MERCHANT_ACCOUNT"] = RunningSimulator.MerchantAccount,
            ["ADYEN_HMAC_KEY"] = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
            ["NODE_EXTRA_CA_CERTS"] = Path.Combine(simulator.Data, "ca.pem"),
        };
        seen = await VendorClients.RunAsync("adyen.mjs", environment, Scenarios, TestContext.Current.CancellationToken);
    }

    public JsonElement Scenario(string name)
    {
        var scenario = seen.GetProperty(name);
        Assert.False(scenario.TryGetProperty("threw", out var why), why.ToString());
        return scenario;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

public sealed class AdyenClientTests(AdyenClientRun run) : IClassFixture<AdyenClientRun>
{
    [Fact]
    public void The_library_authorises_captures_partially_and_refunds()
    {
        var seen = run.Scenario("life");
        Assert.Equal("Authorised", seen.At("authorised", "resultCode").GetString());
        Assert.Equal("1111", seen.At("authorised", "additionalData", "cardSummary").GetString());
        Assert.Equal("NL", seen.At("authorised", "additionalData", "issuerCountry").GetString());
        Assert.Equal("CREDIT", seen.At("authorised", "additionalData", "fundingSource").GetString());
        Assert.Equal("received", seen.At("captured", "status").GetString());
        Assert.Equal(seen.At("authorised", "pspReference").GetString(), seen.At("captured", "paymentPspReference").GetString());
        Assert.NotEqual(seen.At("authorised", "pspReference").GetString(), seen.At("captured", "pspReference").GetString());
        Assert.Equal("received", seen.At("tooMuch").GetString());
        Assert.Equal(3000, seen.At("books", "amount_captured").GetInt64());
        Assert.Equal(1000, seen.At("books", "amount_refunded").GetInt64());
        Assert.Equal(["succeeded", "failed"], seen.At("books", "refunds").EnumerateArray().Select(r => r.At("status").GetString()));
    }

    [Fact]
    public void The_library_cancels()
    {
        var seen = run.Scenario("cancel");
        Assert.Equal("received", seen.At("canceled", "status").GetString());
        Assert.Equal("canceled", seen.At("books", "status").GetString());
        Assert.Equal(5000, seen.At("books", "amount_voided").GetInt64());
    }

    [Fact]
    public void The_library_cancels_by_our_reference_and_hears_whether_there_was_anything_to_cancel()
    {
        var seen = run.Scenario("cancelByReference");
        Assert.All(seen.At("status").EnumerateArray(), status => Assert.Equal("received", status.GetString()));
        Assert.Equal("canceled", seen.At("books", "status").GetString());
        Assert.Equal("pay_1", seen.At("metadata").GetString());
        Assert.Equal(("TECHNICAL_CANCEL", "true"), (seen.At("found", "code").GetString(), seen.At("found", "success").GetString()));
        Assert.True(seen.At("found", "original").GetBoolean());
        Assert.True(seen.At("found", "own").GetBoolean());
        Assert.Equal(("TECHNICAL_CANCEL", "false"), (seen.At("missing", "code").GetString(), seen.At("missing", "success").GetString()));
    }

    [Fact]
    public void Without_manual_capture_the_books_capture_by_themselves()
    {
        var seen = run.Scenario("automatic");
        Assert.Equal("Authorised", seen.At("result").GetString());
        Assert.Equal(5000, seen.At("books", "amount_captured").GetInt64());
    }

    [Theory]
    [InlineData("4000000000000002", "Refused", "2", "Refused")]
    [InlineData("4000000000009995", "Refused", "12", "Not enough balance")]
    [InlineData("4000000000000069", "Refused", "6", "Expired Card")]
    [InlineData("4000000000000127", "Refused", "24", "CVC Declined")]
    [InlineData("4000000000000119", "Error", "4", "Acquirer Error")]
    [InlineData("4100000000000019", "Refused", "20", "FRAUD")]
    public void A_refusal_is_an_answer_with_a_code_and_a_reason(string card, string result, string code, string reason)
    {
        var seen = run.Scenario("declines").At(card);
        Assert.Equal((result, code, reason), (seen.At("result").GetString(), seen.At("code").GetString(), seen.At("reason").GetString()));
    }

    [Fact]
    public void A_refusal_can_be_asked_for_by_holder_name_and_by_number()
    {
        var seen = run.Scenario("declines");
        Assert.Equal(("12", "6"), (seen.At("holder").GetString(), seen.At("requested").GetString()));
    }

    [Fact]
    public void The_library_gets_the_same_payment_for_a_key()
    {
        var seen = run.Scenario("idempotency");
        Assert.True(seen.At("same").GetBoolean());
        Assert.Equal(422, seen.At("tooLong").GetInt32());
    }

    [Fact]
    public void The_library_stores_a_card_pays_with_it_and_deletes_it()
    {
        var seen = run.Scenario("stored");
        Assert.Equal("0003", seen.At("created", "lastFour").GetString());
        Assert.Equal(1, seen.At("listed").GetInt32());
        Assert.Equal("Authorised", seen.At("paid", "resultCode").GetString());
        Assert.Equal("FR", seen.At("paid", "additionalData", "issuerCountry").GetString());
        Assert.Equal("803", seen.At("stranger", "code").GetString());
        Assert.Equal(0, seen.At("after").GetInt32());
    }

    [Fact]
    public void The_library_sends_the_redirect_result_of_a_challenge()
    {
        var seen = run.Scenario("challenge");
        Assert.Equal("RedirectShopper", seen.At("asked").GetString());
        Assert.Equal("redirect", seen.At("action", "type").GetString());
        Assert.Equal("Authorised", seen.At("approved").GetString());
        Assert.Equal("true", seen.At("liability").GetString());
        Assert.Equal(("Refused", "11"), (seen.At("rejected", "result").GetString(), seen.At("rejected", "code").GetString()));
    }

    [Fact]
    public void The_library_verifies_webhooks_and_finds_a_forged_one()
    {
        var seen = run.Scenario("webhooks");
        Assert.All(seen.At("valid").EnumerateArray(), valid => Assert.True(valid.GetBoolean()));
        Assert.False(seen.At("forged").GetBoolean());
        Assert.True(seen.At("refund", "original").GetBoolean());
        Assert.True(seen.At("refund", "own").GetBoolean());
        Assert.Equal("back", seen.At("refund", "reference").GetString());
    }

    [Fact]
    public void The_published_signature_vector_comes_out_here_and_there()
    {
        const string Expected = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=";
        Assert.Equal(Expected, run.Scenario("webhooks").At("vector").GetString());
        Assert.Equal(Expected, AdyenNotifications.Sign(
            "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
            "7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true"));
    }

    [Theory]
    [InlineData("wrongKey", 401, "000")]
    [InlineData("badCard", 422, "101")]
    [InlineData("noReference", 422, "130")]
    [InlineData("noPayment", 422, "167")]
    public void The_library_throws_with_status_and_code_for_wrong_requests(string what, int status, string code)
    {
        var seen = run.Scenario("refusals").At(what);
        Assert.Equal((status, code), (seen.At("statusCode").GetInt32(), seen.At("errorCode").GetString()));
    }

    [Fact]
    public void The_library_asks_for_methods_and_a_session()
    {
        var seen = run.Scenario("checkout");
        Assert.Equal("scheme", seen.At("types")[0].GetString());
        Assert.True(seen.At("session", "data").GetBoolean());
    }
}
