using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Payments.Api.Flow;
using Payments.Api.Reviews;
using Payments.Core;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Reviews;

/// <summary>Payments that wait for a person, at both providers: the queue, its decisions and its clock.</summary>
[Collection(ProductFixture.Name)]
public sealed class ReviewTests(ProductFixture product) : IAsyncLifetime
{
    private ReviewDesk desk = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => desk = await ReviewDesk.OpenAsync(product);

    public async ValueTask DisposeAsync()
    {
        await product.ClearFaultsAsync(CancellationToken.None);
        await desk.DisposeAsync();
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task An_approved_payment_is_captured_once_and_the_decision_is_told_recorded_and_audited(string provider)
    {
        var (shop, merchant) = await desk.ShopAsync(provider);
        var ada = await desk.OperatorAsync("Ada");
        desk.Review(71);
        var paid = await ReviewDesk.PayAsync(merchant, shop.Token);
        Assert.Equal(("in_review", "open"), (paid.Text("status"), paid.Json.GetProperty("review").GetProperty("status").GetString()));

        var listed = (await ReviewDesk.GetAsync(ada, $"/ops/v1/reviews?status=open&merchant_id={shop.Id}")).GetProperty("data").EnumerateArray().Single();
        Assert.Equal((ReviewDesk.ReviewOf(paid.Id), 71, 60_000), (listed.GetProperty("id").GetString(), listed.GetProperty("score").GetInt32(), listed.GetProperty("amount").GetInt64()));
        var wait = listed.GetProperty("due_at").GetDateTimeOffset() - listed.GetProperty("opened_at").GetDateTimeOffset();
        Assert.Equal(TimeSpan.FromHours(2), TimeSpan.FromSeconds(Math.Round(wait.TotalSeconds)));
        Assert.Equal(HttpStatusCode.OK, (await ReviewDesk.ActAsync(ada, paid.Id, "claim")).Status);
        var key = FlowProduct.NewKey();
        var approved = await ReviewDesk.ActAsync(ada, paid.Id, "approve", new { reason = "The customer confirmed it" }, key);
        var again = await ReviewDesk.ActAsync(ada, paid.Id, "approve", new { reason = "The customer confirmed it" }, key);

        Assert.Equal((HttpStatusCode.OK, "approved", "Ada"), (approved.Status, approved.Text("status"), approved.Text("decided_by")));
        Assert.Equal((approved.Body, true), (again.Body, again.Replayed));
        await ReviewDesk.UntilAsync(merchant, paid.Id, "captured");
        Assert.Equal(["captured 60000 0"], await desk.ChargesAsync(provider, paid.Id));
        await Eventually.BecomesTrueAsync(
            "the merchant is told", async () => string.Join(' ', await ReviewDesk.EventsAsync(merchant, paid.Id)) is var told
                && told == "payment.in_review payment.review_decided payment.captured" ? null : told, Token);
        var shown = await ReviewDesk.GetAsync(merchant, $"/v1/payments/{paid.Id}");
        Assert.Equal(("approved", false), (shown.GetProperty("review").GetProperty("status").GetString(), shown.GetProperty("review").GetProperty("automatic").GetBoolean()));
        Assert.DoesNotContain("confirmed", shown.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Ada", shown.ToString(), StringComparison.Ordinal);
        var recovery = (await ReviewDesk.GetAsync(ada, $"/ops/v1/recoveries?payment={paid.Id}")).GetProperty("data").EnumerateArray().Single();
        Assert.Equal(("review_decided", "Ada", "approved: The customer confirmed it"), (recovery.GetProperty("kind").GetString(), recovery.GetProperty("actor").GetString(), recovery.GetProperty("reason").GetString()));
        var audited = (await ReviewDesk.GetAsync(ada, $"/ops/v1/audit_entries?target={ReviewDesk.ReviewOf(paid.Id)}")).GetProperty("data").EnumerateArray().Select(e => e.GetProperty("action").GetString());
        Assert.Equal(["review.approve", "review.claim"], audited.Order());
    }

    [Theory]
    [InlineData("stripe", "reject", "rejected", "review_rejected")]
    [InlineData("adyen", "request_3ds", "challenge_requested", "authentication_requested")]
    public async Task What_is_not_approved_is_voided_and_never_captured(string provider, string act, string status, string reason)
    {
        var (shop, merchant) = await desk.ShopAsync(provider);
        var ada = await desk.OperatorAsync("Ada");
        desk.Review(80);
        var paid = await ReviewDesk.PayAsync(merchant, await desk.CardAsync(shop, "4000000000003055"), capture: "manual");
        await ReviewDesk.ActAsync(ada, paid.Id, "claim");

        var decided = await ReviewDesk.ActAsync(ada, paid.Id, act, new { reason = "Unknown device" });

        Assert.Equal((HttpStatusCode.OK, status), (decided.Status, decided.Text("status")));
        await ReviewDesk.UntilAsync(merchant, paid.Id, "voided");
        Assert.Equal(["canceled 0 60000"], await desk.ChargesAsync(provider, paid.Id));
        var shown = await ReviewDesk.GetAsync(merchant, $"/v1/payments/{paid.Id}");
        var voiding = shown.GetProperty("timeline").EnumerateArray().Single(e => e.GetProperty("kind").GetString() == "void");
        Assert.Equal((reason, "review"), (voiding.GetProperty("reason").GetString(), voiding.GetProperty("origin").GetString()));
        Assert.Equal("payment_not_capturable", (await FlowProduct.PostAsync(merchant, $"/v1/payments/{paid.Id}/capture", new { }, Token)).Text("code"));

        // What the merchant is told to do: the customer pays again, with a challenge.
        desk.Fraud.Decide = _ => new(0, FraudVerdict.Approve, []);
        var challenged = await ReviewDesk.PayAsync(merchant, await desk.CardAsync(shop, "4000000000003055"), challenge: "challenge");
        Assert.Equal("pending_3ds", challenged.Text("status"));
    }

    [Fact]
    public async Task Two_people_cannot_decide_one_payment()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var (ada, bob) = (await desk.OperatorAsync("Ada"), await desk.OperatorAsync("Bob"));
        desk.Review(71);
        var paid = await ReviewDesk.PayAsync(merchant, shop.Token, capture: "manual");
        var reason = new { reason = "Looks fine" };

        Assert.Equal("review_not_claimed", (await ReviewDesk.ActAsync(ada, paid.Id, "approve", reason)).Text("code"));
        var claims = await Task.WhenAll(ReviewDesk.ActAsync(ada, paid.Id, "claim"), ReviewDesk.ActAsync(bob, paid.Id, "claim"));
        var (winner, loser) = claims[0].Status == HttpStatusCode.OK ? (ada, bob) : (bob, ada);
        Assert.Equal(["OK", "review_claimed"], claims.Select(c => c.Status == HttpStatusCode.OK ? "OK" : c.Text("code")).Order());
        foreach (var act in new[] { "claim", "release" })
        {
            Assert.Equal((HttpStatusCode.Conflict, "review_claimed"), Refused(await ReviewDesk.ActAsync(loser, paid.Id, act)));
        }

        Assert.Equal((HttpStatusCode.Conflict, "review_claimed"), Refused(await ReviewDesk.ActAsync(loser, paid.Id, "reject", reason)));
        Assert.Equal(HttpStatusCode.OK, (await ReviewDesk.ActAsync(loser, paid.Id, "notes", new { note = "I know this customer" })).Status);
        Assert.Single((await ReviewDesk.GetAsync(ada, $"/ops/v1/reviews?claimed=true&merchant_id={shop.Id}")).GetProperty("data").EnumerateArray());

        // The claim runs out, and the other one may have it; then the first cannot decide any more.
        await desk.RunAsync("UPDATE reviews SET claimed_until = now() - interval '1 second' WHERE payment_id = $1", paid.Id);
        Assert.Equal("review_not_claimed", (await ReviewDesk.ActAsync(winner, paid.Id, "approve", reason)).Text("code"));
        Assert.Equal(HttpStatusCode.OK, (await ReviewDesk.ActAsync(loser, paid.Id, "claim")).Status);
        Assert.Equal("review_claimed", (await ReviewDesk.ActAsync(winner, paid.Id, "reject", reason)).Text("code"));
        Assert.Equal(HttpStatusCode.OK, (await ReviewDesk.ActAsync(loser, paid.Id, "release")).Status);
        Assert.Equal(HttpStatusCode.OK, (await ReviewDesk.ActAsync(winner, paid.Id, "claim")).Status);

        // Two decisions of one person at once: one is made.
        var decisions = await Task.WhenAll(ReviewDesk.ActAsync(winner, paid.Id, "approve", reason), ReviewDesk.ActAsync(winner, paid.Id, "reject", reason));
        Assert.Single(decisions, d => d.Status == HttpStatusCode.OK);
        var refused = Refused(Assert.Single(decisions, d => d.Status != HttpStatusCode.OK));
        Assert.True(refused.Code is "review_decided" or "payment_not_in_review" or "review_not_claimed", refused.Code);
        Assert.Equal("review_decided", (await ReviewDesk.ActAsync(winner, paid.Id, "claim")).Text("code"));
    }

    [Theory]
    [InlineData("stripe", 74, "captured", "approved")]
    [InlineData("adyen", 75, "voided", "rejected")]
    public async Task What_nobody_decided_in_time_is_decided_once_by_the_clocks_of_all_replicas(string provider, int score, string status, string outcome)
    {
        var (shop, merchant) = await desk.ShopAsync(provider);
        desk.Review(score);
        var paid = await ReviewDesk.PayAsync(merchant, shop.Token);
        await desk.DueAsync(paid.Id);
        var clocks = Enumerable.Range(0, 4).Select(_ => product.Host.ServicesOf(Platform.Names.Services.Api).GetRequiredService<ReviewDecisions>()
            .DecideAsync(KeyOf(shop.Id, paid.Id), Reviewing.AutomaticOutcome(score), ReviewClock.Actor, "in time", null));

        var decided = await Task.WhenAll(clocks);

        Assert.True(decided.Count(d => d.Refusal is null) <= 1, "at most one of the test's clocks decides");
        await ReviewDesk.UntilAsync(merchant, paid.Id, status);
        var shown = await ReviewDesk.GetAsync(merchant, $"/v1/payments/{paid.Id}");
        Assert.Equal((outcome, true), (shown.GetProperty("review").GetProperty("status").GetString(), shown.GetProperty("review").GetProperty("automatic").GetBoolean()));
        Assert.Equal(2, shown.GetProperty("timeline").GetArrayLength());
        var recovery = (await ReviewDesk.GetAsync(product.Operator, $"/ops/v1/recoveries?payment={paid.Id}&kind=review_decided")).GetProperty("data").EnumerateArray().Single();
        Assert.Equal("review_clock", recovery.GetProperty("actor").GetString());
        await ReviewDesk.ToldOnceAsync(merchant, paid.Id, "payment.review_decided");
        Assert.Equal([status == "captured" ? "captured 60000 0" : "canceled 0 60000"], await desk.ChargesAsync(provider, paid.Id));
    }

    [Fact]
    public async Task A_hold_that_ends_soon_is_decided_before_it_does()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        desk.Review(60);
        await SettingsAsync(new { hold_milliseconds = 1_200_000 });
        try
        {
            var paid = await ReviewDesk.PayAsync(merchant, shop.Token);
            await ReviewDesk.UntilAsync(merchant, paid.Id, "captured");
            Assert.Equal(["captured 60000 0"], await desk.ChargesAsync("stripe", paid.Id));
        }
        finally
        {
            await SettingsAsync(new { hold_milliseconds = 0 });
        }
    }

    [Fact]
    public async Task A_merchant_who_voids_ends_the_review()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var ada = await desk.OperatorAsync("Ada");
        desk.Review(71);
        var paid = await ReviewDesk.PayAsync(merchant, shop.Token);
        await ReviewDesk.ActAsync(ada, paid.Id, "claim");

        Assert.Equal(HttpStatusCode.OK, (await FlowProduct.PostAsync(merchant, $"/v1/payments/{paid.Id}/void", new { }, Token)).Status);

        await ReviewDesk.UntilAsync(merchant, paid.Id, "voided");
        Assert.Equal("lapsed", (await ReviewDesk.GetAsync(ada, $"/ops/v1/reviews/{ReviewDesk.ReviewOf(paid.Id)}")).GetProperty("status").GetString());
        Assert.Equal("review_decided", (await ReviewDesk.ActAsync(ada, paid.Id, "approve", new { reason = "Late" })).Text("code"));
        Assert.DoesNotContain("payment.review_decided", await ReviewDesk.EventsAsync(merchant, paid.Id));
    }

    [Fact]
    public async Task What_the_provider_could_not_be_asked_for_is_done_when_it_can()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var ada = await desk.OperatorAsync("Ada");
        desk.Review(71);
        var paid = await ReviewDesk.PayAsync(merchant, shop.Token);
        await ReviewDesk.ActAsync(ada, paid.Id, "claim");
        await product.InjectFaultAsync(new { provider = "stripe", operation = "capture", kind = "429", count = 1 }, Token);

        Assert.Equal("approved", (await ReviewDesk.ActAsync(ada, paid.Id, "approve", new { reason = "Known customer" })).Text("status"));
        Assert.Equal("authorized", (await ReviewDesk.GetAsync(merchant, $"/v1/payments/{paid.Id}")).GetProperty("status").GetString());
        await desk.DueAsync(paid.Id);

        await ReviewDesk.UntilAsync(merchant, paid.Id, "captured");
        Assert.Equal(["captured 60000 0"], await desk.ChargesAsync("stripe", paid.Id));
    }

    [Fact]
    public async Task A_process_that_dies_after_the_decision_is_made_up_for_by_the_resolver()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var services = product.Host.ServicesOf(Platform.Names.Services.Api);
        var (store, writer, calls) = (services.GetRequiredService<PaymentStore>(), services.GetRequiredService<PaymentWriter>(), services.GetRequiredService<ProviderCalls>());
        desk.Review(60);
        var paid = await ReviewDesk.PayAsync(merchant, shop.Token);
        await desk.DueAsync(paid.Id);

        // The commit of a decision, and nothing after it.
        var ids = new IdSource(TimeProvider.System);
        var payment = (await store.FindAsync(KeyOf(shop.Id, paid.Id), Token))!;
        var reviewed = Reviewing.Decide(payment, ReviewOutcome.Approved, true, calls.LimitsOf(payment), new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), TimeProvider.System.GetUtcNow()));
        var change = new Change(payment.Version, reviewed.Payment!, [reviewed.Operation!], reviewed.Happenings) { Decision = new DecisionMark(ReviewOutcome.Approved, ReviewClock.Actor, "in time", null) };
        var verdict = await writer.WriteAsync(change);
        Assert.True(verdict is Verdict.Committed or Verdict.Conflict, "the product's own clock may have been faster");

        // The resolver finds that the capture never arrived, and the clock has it made again; what takes minutes is brought forward.
        await Eventually.BecomesTrueAsync("the approved payment is captured", async () =>
        {
            await desk.RunAsync("UPDATE attempts SET due_at = now(), missing_since = now() - interval '10 minutes' WHERE payment_id = $1 AND state = 'open' AND due_at > now()", paid.Id);
            await desk.RunAsync("UPDATE reviews SET due_at = now() WHERE payment_id = $1 AND due_at > now()", paid.Id);
            var seen = await ReviewDesk.GetAsync(merchant, $"/v1/payments/{paid.Id}");
            return seen.GetProperty("status").GetString() == "captured" ? null : seen.ToString();
        }, Token);
        Assert.Equal(["captured 60000 0"], await desk.ChargesAsync("stripe", paid.Id));
        await ReviewDesk.ToldOnceAsync(merchant, paid.Id, "payment.review_decided");
    }

    [Fact]
    public async Task A_card_that_is_blocked_after_its_payment_was_authorized_loses_the_hold_and_captured_money_stays()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var token = await desk.CardAsync(shop, "6011000990139424");
        var held = await ReviewDesk.PayAsync(merchant, token, capture: "manual");
        var captured = await ReviewDesk.PayAsync(merchant, token);
        await ReviewDesk.UntilAsync(merchant, captured.Id, "captured");
        var fingerprint = (await ReviewDesk.GetAsync(product.Operator, $"/ops/v1/payments/{held.Id}")).GetProperty("card_fingerprint").GetString();

        using var blocked = await product.PostAsync(product.Operator, "/ops/v1/risk/lists", new { mode = "test", action = "block", kind = "fingerprint", value = fingerprint, merchant_id = shop.Id }, Token);
        blocked.EnsureSuccessStatusCode();

        await ReviewDesk.UntilAsync(merchant, held.Id, "voided");
        Assert.Equal("captured", (await ReviewDesk.GetAsync(merchant, $"/v1/payments/{captured.Id}")).GetProperty("status").GetString());
        var recovery = (await ReviewDesk.GetAsync(product.Operator, $"/ops/v1/recoveries?payment={held.Id}")).GetProperty("data").EnumerateArray().Single();
        Assert.Equal("suspected_fraud_voided", recovery.GetProperty("kind").GetString());
        foreach (var (payment, voided) in new[] { (held.Id, true), (captured.Id, false) })
        {
            var told = await SuspectAsync(payment);
            Assert.Equal(voided, told.GetProperty("voided").GetBoolean());
        }

        Assert.Equal(["canceled 0 60000"], await desk.ChargesAsync("stripe", held.Id));
    }

    [Fact]
    public async Task A_reviewer_sees_who_paid_and_what_is_like_it()
    {
        var (shop, merchant) = await desk.ShopAsync("stripe");
        var other = await desk.CardAsync(shop, "5555555555554444");
        var context = new { ip = "203.0.113.77", email = "Grace@Example.com", device_id = "device-77" };
        var sameCard = await ReviewDesk.PayAsync(merchant, shop.Token);
        var sameBrowser = await ReviewDesk.PayAsync(merchant, other, context: context, customer: "customer-1");
        var unlike = await ReviewDesk.PayAsync(merchant, other);
        desk.Review(71);
        var paid = await ReviewDesk.PayAsync(merchant, shop.Token, context: context, customer: "customer-2");

        var review = await ReviewDesk.GetAsync(product.Operator, $"/ops/v1/reviews/{ReviewDesk.ReviewOf(paid.Id)}");

        Assert.Equal(("customer-2", "203.0.113.77", "grace@example.com"), (
            review.GetProperty("customer_reference").GetString(), review.GetProperty("risk_context").GetProperty("ip").GetString(), review.GetProperty("risk_context").GetProperty("email").GetString()));
        var similar = review.GetProperty("similar_payments").EnumerateArray().ToDictionary(
            s => s.GetProperty("id").GetString()!, s => string.Join(',', s.GetProperty("matches").EnumerateArray().Select(m => m.GetString())));
        Assert.Equal(new Dictionary<string, string> { [sameBrowser.Id] = "email,ip,device", [sameCard.Id] = "card" }, similar);
        Assert.DoesNotContain(unlike.Id, similar.Keys);
    }

    private static (HttpStatusCode Status, string Code) Refused(Answer answer) => (answer.Status, answer.Text("code")!);

    private static PaymentKey KeyOf(string merchant, string payment)
    {
        Assert.True(Id.TryParse<MerchantId>(merchant, out var merchantId) & Id.TryParse<PaymentId>(payment, out var paymentId));
        return new PaymentKey(merchantId, Mode.Test, paymentId);
    }

    private async Task<JsonElement> SuspectAsync(string payment)
    {
        using var client = ProductFixture.Client(product.Host.Addresses.Api, product.Host.Secrets.InternalKey);
        using var answer = await client.PostAsJsonAsync($"/internal/v1/payments/{payment}/suspicion", new { actor = "fraud", reason = "scored again" }, Token);
        return await ProductFixture.JsonAsync(answer, Token);
    }

    private async Task SettingsAsync(object change)
    {
        using var answer = await product.Simulators.PutAsJsonAsync("/settings", change, Token);
        answer.EnsureSuccessStatusCode();
    }
}
