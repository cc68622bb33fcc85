using System.Net;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Reviews;

/// <summary>How payments are authenticated from the fraud decision to the issuer's answer, through both providers.</summary>
[Collection(ProductFixture.Name)]
public sealed class ThreeDSecureTests(ProductFixture product) : IAsyncLifetime
{
    private const string OnRequest = "4000000000003055";
    private const string Always = "4000002760003184";
    private const string DutchOnRequest = "4000005280000036";
    private const string DutchInsists = "4000005280000028";
    private ReviewDesk desk = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => desk = await ReviewDesk.OpenAsync(product);

    public async ValueTask DisposeAsync()
    {
        await product.ClearFaultsAsync(CancellationToken.None);
        await desk.DisposeAsync();
    }

    // Card, amount, score; status at once; requested, exemption, result, flow, liability shift.
    [Theory]
    [InlineData("stripe", OnRequest, 60_000, 0, "captured", "none - - - False")]
    [InlineData("stripe", OnRequest, 60_000, 40, "captured", "no_preference - authenticated frictionless True")]
    [InlineData("adyen", OnRequest, 60_000, 40, "captured", "no_preference - authenticated frictionless True")]
    [InlineData("stripe", OnRequest, 60_000, 70, "pending_3ds", "challenge - - - False")]
    [InlineData("adyen", OnRequest, 60_000, 70, "pending_3ds", "challenge - - - False")]
    [InlineData("stripe", DutchOnRequest, 60_000, 0, "captured", "no_preference - authenticated frictionless True")]
    [InlineData("adyen", DutchOnRequest, 60_000, 0, "captured", "no_preference - authenticated frictionless True")]
    [InlineData("adyen", DutchOnRequest, 2_000, 0, "captured", "none low_value exempted - False")]
    [InlineData("adyen", DutchOnRequest, 9_000, 0, "captured", "none low_risk exempted - False")]
    [InlineData("stripe", DutchOnRequest, 2_000, 0, "captured", "none low_value - - False")]
    public async Task What_the_tables_say_is_asked_of_the_provider_and_what_it_says_is_kept(string provider, string card, long amount, int score, string status, string authentication)
    {
        var (shop, merchant) = await desk.ShopAsync(provider);
        desk.Fraud.Decide = _ => new FraudDecision(score, FraudVerdict.Approve, []);

        // A machine that stands still for a moment may bring a card or a payment to the other provider alone.
        var paid = await PayAsync(merchant, await desk.CardAsync(shop, card), amount);
        for (var i = 0; i < 5 && paid.Text("provider") != provider; i++)
        {
            paid = await PayAsync(merchant, await desk.CardAsync(shop, card), amount);
        }

        Assert.Equal(provider, paid.Text("provider"));
        Assert.Equal(status, paid.Text("status") is "capturing" or "authorized" ? "captured" : paid.Text("status"));
        Assert.Equal(authentication, Shown(paid.Json));
    }

    [Theory]
    [InlineData("stripe", "approve", "captured", "challenge - authenticated challenge True")]
    [InlineData("adyen", "approve", "captured", "challenge - authenticated challenge True")]
    [InlineData("stripe", "reject", "declined", "challenge - failed challenge False")]
    [InlineData("adyen", "reject", "declined", "challenge - failed challenge False")]
    public async Task A_challenge_that_is_answered_ends_the_payment_with_its_result(string provider, string answer, string status, string authentication)
    {
        var challenged = await ChallengedAsync(provider);

        var back = await AnswerAsync(challenged.Payment, answer);
        using var returned = await desk.Browser.GetAsync(back, Token);
        Assert.Equal(HttpStatusCode.Redirect, returned.StatusCode);

        await ReviewDesk.UntilAsync(challenged.Merchant, challenged.Payment.Id, status);
        Assert.Equal(authentication, Shown(await ReviewDesk.GetAsync(challenged.Merchant, $"/v1/payments/{challenged.Payment.Id}")));

        // Coming back again, or late, changes nothing.
        using var again = await desk.Browser.GetAsync(back, Token);
        Assert.Equal(HttpStatusCode.Redirect, again.StatusCode);
        Assert.Equal(status == "captured" ? 1 : 0, (await desk.ChargesAsync(provider, challenged.Payment.Id)).Count);
    }

    [Fact]
    public async Task A_webhook_that_is_faster_than_the_customer_brings_the_authentication_along()
    {
        var challenged = await ChallengedAsync("stripe");

        var back = await AnswerAsync(challenged.Payment, "approve");
        await ReviewDesk.UntilAsync(challenged.Merchant, challenged.Payment.Id, "captured");

        Assert.Equal("challenge - authenticated challenge True", Shown(await ReviewDesk.GetAsync(challenged.Merchant, $"/v1/payments/{challenged.Payment.Id}")));
        using var returned = await desk.Browser.GetAsync(back, Token);
        Assert.Equal((HttpStatusCode.Redirect, 1), (returned.StatusCode, (await desk.ChargesAsync("stripe", challenged.Payment.Id)).Count));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_challenge_that_nobody_answers_expires_at_the_provider_first(string provider)
    {
        var challenged = await ChallengedAsync(provider);

        await OverAsync(challenged.Payment.Id);

        await ReviewDesk.UntilAsync(challenged.Merchant, challenged.Payment.Id, "expired");
        Assert.DoesNotContain(await desk.ChargesAsync(provider, challenged.Payment.Id), c => c.StartsWith("captured", StringComparison.Ordinal) || c.StartsWith("authorized", StringComparison.Ordinal));
        Assert.Equal("challenge - - - False", Shown(await ReviewDesk.GetAsync(challenged.Merchant, $"/v1/payments/{challenged.Payment.Id}")));
    }

    /// <summary>Adyen authorizes when we hand it the challenge's result; with a cancellation under way that would be money taken for a payment that is over.</summary>
    [Fact]
    public async Task Who_comes_back_once_the_challenge_is_being_cancelled_finishes_nothing()
    {
        var challenged = await ChallengedAsync("adyen");
        var back = await AnswerAsync(challenged.Payment, "approve");
        await product.InjectFaultAsync(new { provider = "adyen", operation = "webhook", kind = "webhook_late", count = 1, delay_ms = 10_000 }, Token);
        await OverAsync(challenged.Payment.Id);
        await Eventually.BecomesTrueAsync("the challenge is being cancelled", CancellingAsync, Token);

        using var returned = await desk.Browser.GetAsync(back, Token);

        Assert.Equal(HttpStatusCode.Redirect, returned.StatusCode);
        Assert.Matches("status=(pending_3ds|expired)$", returned.Headers.Location!.ToString());
        await ReviewDesk.UntilAsync(challenged.Merchant, challenged.Payment.Id, "expired");
        Assert.DoesNotContain(await desk.ChargesAsync("adyen", challenged.Payment.Id), c => c.StartsWith("captured", StringComparison.Ordinal) || c.StartsWith("authorized", StringComparison.Ordinal));

        async Task<string?> CancellingAsync() =>
            (await ReviewDesk.GetAsync(challenged.Merchant, $"/v1/payments/{challenged.Payment.Id}")).GetProperty("attempts").EnumerateArray().Any(a => a.GetProperty("operation").GetString() == "void") ? null : "not yet";
    }

    [Fact]
    public async Task A_success_that_came_before_the_expiry_wins()
    {
        var challenged = await ChallengedAsync("stripe");
        await AnswerAsync(challenged.Payment, "approve");

        await OverAsync(challenged.Payment.Id);

        await ReviewDesk.UntilAsync(challenged.Merchant, challenged.Payment.Id, "captured");
        Assert.Equal(["captured 60000 0"], await desk.ChargesAsync("stripe", challenged.Payment.Id));
    }

    [Fact]
    public async Task An_issuer_that_refuses_the_exemption_gets_its_challenge_in_the_same_payment()
    {
        var (shop, merchant) = await desk.ShopAsync("adyen");
        var key = FlowProduct.NewKey();
        var token = await desk.CardAsync(shop, DutchInsists);

        var stepped = await PayAsync(merchant, token, 2_000, key);
        var again = await PayAsync(merchant, token, 2_000, key);

        Assert.Equal(("pending_3ds", "none low_value - - False"), (stepped.Text("status"), Shown(stepped.Json)));
        Assert.Equal((stepped.Body, true), (again.Body, again.Replayed));
        using var returned = await desk.Browser.GetAsync(await AnswerAsync(stepped, "approve"), Token);
        await ReviewDesk.UntilAsync(merchant, stepped.Id, "captured");
        var shown = await ReviewDesk.GetAsync(merchant, $"/v1/payments/{stepped.Id}");
        Assert.Equal("none low_value authenticated challenge True", Shown(shown));
        Assert.Equal(["declined", "succeeded"], shown.GetProperty("attempts").EnumerateArray().Where(a => a.GetProperty("operation").GetString() == "authorize").Select(a => a.GetProperty("state").GetString()));
        Assert.Single(await desk.ChargesAsync("adyen", stepped.Id));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_payment_that_the_merchant_starts_is_never_challenged(string provider)
    {
        var (shop, merchant) = await desk.ShopAsync(provider);
        var paid = await FlowProduct.PostAsync(merchant, "/v1/payments", new { amount = 60_000, currency = "EUR", payment_method = new { token = await desk.CardAsync(shop, DutchOnRequest) }, initiated_by = "merchant" }, Token);
        var refused = await FlowProduct.PostAsync(merchant, "/v1/payments", new { amount = 60_000, currency = "EUR", payment_method = new { token = await desk.CardAsync(shop, Always) }, initiated_by = "merchant" }, Token);

        Assert.StartsWith("none merchant_initiated", Shown(paid.Json), StringComparison.Ordinal);
        await ReviewDesk.UntilAsync(merchant, paid.Id, "captured");
        Assert.Equal(("declined", "authentication_required"), (refused.Text("status"), refused.Json.GetProperty("decline").GetProperty("code").GetString()));
    }

    private async Task<(HttpClient Merchant, Answer Payment)> ChallengedAsync(string provider)
    {
        var (shop, merchant) = await desk.ShopAsync(provider);
        desk.Fraud.Decide = _ => new FraudDecision(70, FraudVerdict.Challenge, ["country_mismatch"]);
        var challenged = await ReviewDesk.PayAsync(merchant, await desk.CardAsync(shop, OnRequest));
        Assert.Equal("pending_3ds", challenged.Text("status"));
        return (merchant, challenged);
    }

    /// <summary>The customer at the issuer's page; returns where the browser is sent.</summary>
    private async Task<Uri> AnswerAsync(Answer challenged, string outcome)
    {
        using var form = new FormUrlEncodedContent([new("outcome", outcome)]);
        using var answered = await desk.Browser.PostAsync(new Uri(challenged.Json.GetProperty("next_action").GetProperty("url").GetString()!), form, Token);
        return answered.Headers.Location!;
    }

    /// <summary>The time for the challenge is over.</summary>
    private Task OverAsync(string payment) => desk.RunAsync("UPDATE attempts SET due_at = now() WHERE payment_id = $1 AND state = 'needs_action'", payment);

    private static async Task<Answer> PayAsync(HttpClient merchant, string token, long amount, string? key = null)
    {
        var paid = await FlowProduct.PostAsync(merchant, "/v1/payments", new { amount, currency = "EUR", payment_method = new { token }, return_url = "https://shop.example/done" }, Token, key);
        Assert.True(paid.Status == HttpStatusCode.Created, paid.Body);
        return paid;
    }

    private static string Shown(JsonElement payment)
    {
        var shown = payment.GetProperty("authentication");
        return string.Join(' ', new[] { "requested", "exemption", "result", "flow" }.Select(name => shown.GetProperty(name).GetString() ?? "-")) + " " + shown.GetProperty("liability_shift").GetBoolean();
    }
}
