using System.Text.Json;

namespace Payments.IntegrationTests.Simulators;

/// <summary>What npm <c>stripe</c>, unmodified, sees of the simulator. One process runs all scenarios.</summary>
public sealed class StripeClientRun : IAsyncLifetime
{
    private static readonly string[] Scenarios = ["life", "cancel", "declines", "idempotency", "challenge", "lists", "webhooks", "refusals"];
    private JsonElement seen;

    public async ValueTask InitializeAsync()
    {
        await using var simulator = await RunningSimulator.StartAsync(TestContext.Current.CancellationToken);
        seen = await VendorClients.RunAsync("stripe.mjs", Environment(simulator), Scenarios, TestContext.Current.CancellationToken);
    }

    public JsonElement Scenario(string name)
    {
        var scenario = seen.GetProperty(name);
        Assert.False(scenario.TryGetProperty("threw", out var why), why.ToString());
        return scenario;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal static Dictionary<string, string> Environment(RunningSimulator simulator) => new()
    {
        ["SIMULATOR_URL"] = simulator.Base.ToString(),
        ["STRIPE_KEY"] = RunningSimulator.StripeKey,
        ["STRIPE_WEBHOOK_SECRET"] = "whsec_simulator",
    };
}

public sealed class StripeClientTests(StripeClientRun run) : IClassFixture<StripeClientRun>
{
    [Fact]
    public void The_library_saves_a_card_confirms_captures_partially_and_refunds()
    {
        var seen = run.Scenario("life");
        Assert.Equal("4242", seen.At("method", "card", "last4").GetString());
        Assert.Equal("US", seen.At("method", "card", "country").GetString());
        Assert.Equal(seen.At("customer", "id").GetString(), seen.At("attached", "customer").GetString());
        Assert.Equal("requires_payment_method", seen.At("created", "status").GetString());
        Assert.Equal("requires_capture", seen.At("confirmed", "status").GetString());
        Assert.Equal(5000, seen.At("confirmed", "amount_capturable").GetInt64());
        Assert.True(seen.At("confirmed", "latest_charge", "payment_method_details", "card", "capture_before").GetInt64() > seen.At("confirmed", "created").GetInt64());
        Assert.Equal("succeeded", seen.At("captured", "status").GetString());
        Assert.Equal(3000, seen.At("captured", "amount_received").GetInt64());
        Assert.Equal("succeeded", seen.At("refund", "status").GetString());
        Assert.Equal("r1", seen.At("refund", "metadata", "refund").GetString());
        Assert.Equal(2000, seen.At("rest", "amount").GetInt64());
        Assert.Equal("charge_already_refunded", seen.At("tooMuch", "code").GetString());
        Assert.True(seen.At("charge", "refunded").GetBoolean());
        Assert.Equal(2, seen.At("charge", "refunds", "data").GetArrayLength());
        Assert.Equal(3000 - 117, seen.At("charge", "balance_transaction", "net").GetInt64());
        Assert.StartsWith("req_", seen.At("request").GetString());
    }

    [Fact]
    public void The_library_cancels_and_a_canceled_intent_is_not_captured()
    {
        var seen = run.Scenario("cancel");
        Assert.Equal("requires_capture", seen.At("held").GetString());
        Assert.Equal("canceled", seen.At("canceled", "status").GetString());
        Assert.Equal("requested_by_customer", seen.At("canceled", "cancellation_reason").GetString());
        Assert.Equal(400, seen.At("error", "status").GetInt32());
        Assert.Equal("payment_intent_unexpected_state", seen.At("error", "code").GetString());
        Assert.Equal("canceled", seen.At("error", "intent").GetString());
    }

    [Theory]
    [InlineData("pm_card_chargeDeclined", "card_declined", "generic_decline")]
    [InlineData("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds")]
    [InlineData("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card")]
    [InlineData("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc")]
    [InlineData("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error")]
    [InlineData("pm_card_radarBlock", "card_declined", "fraudulent")]
    public void The_library_throws_a_card_error_for_each_decline(string card, string code, string declineCode)
    {
        var seen = run.Scenario("declines").At(card);
        Assert.Equal("StripeCardError", seen.At("type").GetString());
        Assert.Equal(402, seen.At("status").GetInt32());
        Assert.Equal((code, declineCode), (seen.At("code").GetString(), seen.At("decline").GetString()));
        Assert.Equal("requires_payment_method", seen.At("intent").GetString());
        Assert.Equal(code, seen.At("last").GetString());
        Assert.Equal("failed", seen.At("charge").GetString());
        Assert.Equal(card == "pm_card_radarBlock" ? "blocked" : "issuer_declined", seen.At("outcome").GetString());
        Assert.True(seen.At("same").GetBoolean());
    }

    [Fact]
    public void The_library_gets_the_same_answer_for_a_key_and_an_error_for_other_parameters()
    {
        var seen = run.Scenario("idempotency");
        Assert.True(seen.At("same").GetBoolean());
        Assert.Equal("true", seen.At("replayed").GetString());
        Assert.Equal("StripeIdempotencyError", seen.At("mismatch", "type").GetString());
        Assert.Equal(400, seen.At("mismatch", "status").GetInt32());
    }

    [Fact]
    public void The_library_sees_the_redirect_of_a_challenge_and_what_became_of_it()
    {
        var seen = run.Scenario("challenge");
        Assert.Equal("requires_action", seen.At("status").GetString());
        Assert.Equal("redirect_to_url", seen.At("action", "type").GetString());
        Assert.Equal(303, seen.At("back", "status").GetInt32());
        Assert.StartsWith("https://shop.example/back?order=1&payment_intent=pi_", seen.At("back", "location").GetString());
        Assert.Contains("payment_intent_client_secret=", seen.At("back", "location").GetString());
        Assert.EndsWith("redirect_status=succeeded", seen.At("back", "location").GetString());
        Assert.Equal("succeeded", seen.At("paid").GetString());
        Assert.Equal("authenticated", seen.At("threeDS").GetString());
        Assert.EndsWith("redirect_status=failed", seen.At("backRejected", "location").GetString());
        Assert.Equal("requires_payment_method", seen.At("failed").GetString());
        Assert.Equal("payment_intent_authentication_failure", seen.At("failure").GetString());
        Assert.Equal(402, seen.At("offSession", "status").GetInt32());
        Assert.Equal("authentication_required", seen.At("offSession", "code").GetString());
    }

    [Fact]
    public void The_library_walks_a_list_page_by_page_newest_first()
    {
        var seen = run.Scenario("lists");
        Assert.Equal(5, seen.At("ids").GetArrayLength());
        Assert.Equal(seen.At("ids").GetRawText(), seen.At("walked").GetRawText());
        Assert.Equal(0, seen.At("none").GetInt32());
        Assert.Equal(5, seen.At("some").GetInt32());
    }

    [Fact]
    public void The_library_verifies_webhooks_and_finds_a_forged_one()
    {
        var seen = run.Scenario("webhooks");
        Assert.Equal(4000, seen.At("amount").GetInt64());
        Assert.Equal("StripeSignatureVerificationError", seen.At("forged").GetString());
        Assert.True(seen.At("read").GetBoolean());
    }

    [Fact]
    public void The_library_throws_the_right_class_for_wrong_requests()
    {
        var seen = run.Scenario("refusals");
        Assert.Equal(("StripeAuthenticationError", 401), (seen.At("wrongKey", "type").GetString(), seen.At("wrongKey", "statusCode").GetInt32()));
        Assert.Equal(("resource_missing", 404), (seen.At("missing", "code").GetString(), seen.At("missing", "statusCode").GetInt32()));
        Assert.Equal(("parameter_unknown", "colour"), (seen.At("unknown", "code").GetString(), seen.At("unknown", "param").GetString()));
        Assert.Equal(("incorrect_number", 402), (seen.At("luhn", "code").GetString(), seen.At("luhn", "statusCode").GetInt32()));
    }

    [Theory]
    [InlineData("drop_after")]
    [InlineData("drop_before")]
    [InlineData("503")]
    public async Task The_librarys_own_retries_charge_once(string kind)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider = "stripe", operation = "authorize", kind, count = 1 }, cancellationToken);

        var seen = await VendorClients.RunAsync("stripe.mjs", StripeClientRun.Environment(simulator), ["retried"], cancellationToken);

        Assert.Equal("succeeded", seen.At("retried", "status").GetString());
        var charge = await simulator.OnlyChargeAsync("stripe", cancellationToken);
        Assert.Equal(seen.At("retried", "id").GetString(), charge.At("payment_intent").GetString());
        Assert.Equal("att_retried", charge.At("reference").GetString());
    }
}

internal static class JsonPaths
{
    /// <summary>The value at the end of a path of property names.</summary>
    public static JsonElement At(this JsonElement json, params ReadOnlySpan<string> path)
    {
        foreach (var step in path)
        {
            json = json.GetProperty(step);
        }

        return json;
    }
}
