using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

[Collection(RecoveryProduct.Name)]
public sealed class UnknownOutcomeTests(RecoveryProduct product) : IAsyncDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync();

    [Fact]
    public async Task What_Adyen_cannot_tell_and_nobody_wants_any_more_is_cancelled_by_our_reference()
    {
        var (key, body) = (FlowProduct.NewKey(), await BodyAsync("manual"));
        await product.InjectAsync("adyen", "webhook", "webhook_lost", Token);
        await product.InjectAsync("adyen", "authorize", "timeout_after", Token);

        var first = await FlowProduct.PostAsync(product.Adyen.Merchant, "/v1/payments", body, Token, key);
        await product.InjectAsync("adyen", "authorize", "drop_before", Token, count: null);

        Assert.Equal((HttpStatusCode.Accepted, "processing"), (first.Status, first.Text("status")));
        var expired = await product.Adyen.UntilAsync(first.Id, "expired", Token);
        Assert.Equal("canceled", Assert.Single(await product.ChargesAsync("adyen", first.Id, Token)).GetProperty("status").GetString());
        var final = await FlowProduct.PostAsync(product.Adyen.Merchant, "/v1/payments", body, Token, key);
        Assert.Equal((HttpStatusCode.Created, true, "expired"), (final.Status, final.Replayed, final.Text("status")));
        Assert.Equal(["authorize", "void"], expired.GetProperty("timeline").EnumerateArray().Select(e => e.GetProperty("kind").GetString()));
        Assert.Equal(["authorization_cancelled"], await product.RecoveriesAsync(first.Id, Token));
    }

    [Fact]
    public async Task A_challenge_behind_an_error_that_nobody_can_finish_ends_when_Adyen_closes_it()
    {
        await product.SettingsAsync(new { offer_milliseconds = 12_000 }, Token);
        try
        {
            await product.InjectAsync("adyen", "authorize", "500", Token);
            var first = await product.Adyen.PayAsync(Token, number: "4000002760003184");
            Assert.Equal((HttpStatusCode.Accepted, "processing"), (first.Status, first.Text("status")));

            var closed = await product.Adyen.UntilAsync(first.Id, "declined", Token);

            Assert.Equal("authentication_failed", closed.GetProperty("decline").GetProperty("code").GetString());
            Assert.Empty(await product.ChargesAsync("adyen", first.Id, Token));
        }
        finally
        {
            await product.SettingsAsync(new { offer_milliseconds = 0 }, Token);
        }
    }

    [Fact]
    public async Task A_call_that_never_left_closes_nothing_once_a_worker_has_made_it_again()
    {
        await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: null);
        await product.InjectAsync("stripe", "authorize", "timeout_after", Token);
        var first = await product.Stripe.PayAsync(Token);
        var api = product.Host.ServicesOf(Platform.Names.Services.Api);
        Assert.True(Id.TryParse<PaymentId>(first.Id, out var id), "a payment has an id");
        var payment = (await api.GetRequiredService<PaymentStore>().FindAsync(new PaymentKey(product.Stripe.MerchantId, Mode.Test, id), Token))!;
        var attempt = payment.AuthorizingAttempt!;
        await product.RunAsync("UPDATE attempts SET fence = fence + 1 WHERE payment_id = $1", first.Id, Token);

        var late = Facts.Of(OperationKind.Authorize, attempt, new Outcome(OutcomeKind.NotProcessed), api.GetRequiredService<IdSource>().New<OperationId>(), TimeProvider.System.GetUtcNow());
        var learned = await api.GetRequiredService<Learning>().LearnAsync(payment, late, held: new HeldAttempt(attempt.Id, 0));

        Assert.Equal(LearnedAs.Overtaken, learned.As);
        await product.Stripe.UntilAsync(first.Id, "captured", Token);
    }

    [Fact]
    public async Task The_end_of_a_hold_waits_also_for_a_capture_that_began_while_it_was_looked_at()
    {
        var api = product.Host.ServicesOf(Platform.Names.Services.Api);
        var first = await product.Stripe.PayAsync(Token, capture: "manual");
        Assert.True(Id.TryParse<PaymentId>(first.Id, out var id), "a payment has an id");
        var seen = (await api.GetRequiredService<PaymentStore>().FindAsync(new PaymentKey(product.Stripe.MerchantId, Mode.Test, id), Token))!;
        await product.InjectAsync("stripe", "capture", "timeout_before", Token);
        var capture = await FlowProduct.PostAsync(product.Stripe.Merchant, $"/v1/payments/{first.Id}/capture", new { }, Token);
        Assert.Equal((HttpStatusCode.Accepted, "capturing"), (capture.Status, capture.Text("status")));

        var ended = Facts.Of(OperationKind.Void, seen.AuthorizingAttempt!, new Outcome(OutcomeKind.Approved), api.GetRequiredService<IdSource>().New<OperationId>(), TimeProvider.System.GetUtcNow());
        Task<Learned> TellAsync() => api.GetRequiredService<Learning>().LearnAsync(seen, ended, isEarly: payment => NoticeOrder.MustWait(payment, ended, 0));

        Assert.Equal(LearnedAs.Early, (await TellAsync()).As);

        // The capture never arrived: only then it is seen that nothing is left to capture.
        await product.Stripe.UntilAsync(first.Id, "authorized", Token);
        Assert.Equal(LearnedAs.Applied, (await TellAsync()).As);
        await product.Stripe.UntilAsync(first.Id, "voided", Token);
    }

    [Fact]
    public async Task What_never_arrived_is_closed_once_two_cancellations_found_nothing()
    {
        await product.InjectAsync("adyen", "authorize", "timeout_before", Token, count: null);

        var first = await product.Adyen.PayAsync(Token, capture: "manual");

        Assert.Equal((HttpStatusCode.Accepted, "processing"), (first.Status, first.Text("status")));
        await product.Adyen.UntilAsync(first.Id, "expired", Token);
        Assert.Empty(await product.ChargesAsync("adyen", first.Id, Token));
        Assert.Equal(["authorization_cancelled", "authorization_cancelled", "attempt_resolved"], await product.RecoveriesAsync(first.Id, Token));
    }

    [Fact]
    public async Task What_a_cancellation_finds_captured_is_asked_for_again_under_its_key_and_stands()
    {
        await product.InjectAsync("adyen", "webhook", "webhook_lost", Token);
        await product.InjectAsync("adyen", "authorize", "timeout_after", Token);
        var first = await FlowProduct.PostAsync(product.Adyen.Merchant, "/v1/payments", await BodyAsync("automatic"), Token);
        await product.InjectAsync("adyen", "authorize", "drop_before", Token, count: null);
        await product.Adyen.UntilAsync(
            first.Id, p => p.GetProperty("timeline").EnumerateArray().Any(e => e.GetProperty("kind").GetString() == "void" && e.GetProperty("state").GetString() == "failed"), Token);

        await product.ClearFaultsAsync();

        await product.Adyen.UntilAsync(first.Id, "captured", Token);
        Assert.Equal(10_000, Assert.Single(await product.ChargesAsync("adyen", first.Id, Token)).GetProperty("amount_captured").GetInt64());
        Assert.Equal(["authorization_cancelled", "attempt_resolved"], await product.RecoveriesAsync(first.Id, Token));
    }

    [Fact]
    public async Task An_attempt_that_nobody_can_settle_is_raised_once_listed_and_closes_itself()
    {
        await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: null);
        await product.InjectAsync("stripe", "read", "drop_before", Token, count: null);
        await product.InjectAsync("stripe", "authorize", "timeout_after", Token);
        var first = await product.Stripe.PayAsync(Token);

        var raised = Assert.Single(await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(first.Id, Token), i => i.Count > 0, Token));

        Assert.Equal(("attempt_unresolved", JsonValueKind.Null), (raised.GetProperty("kind").GetString(), raised.GetProperty("closed_at").ValueKind));
        var listed = Assert.Single(await RecoveryProduct.UntilAsync(
            async () => (await product.OpsAsync("attempts?unresolved=true&provider=stripe", Token)).FindAll(a => a.GetProperty("payment_id").GetString() == first.Id),
            found => found is [var one] && one.GetProperty("readings").GetInt32() > 0, Token));
        Assert.Equal(("authorize", "unknown"), (listed.GetProperty("operation").GetString(), listed.GetProperty("state").GetString()));
        Assert.True(listed.GetProperty("age_seconds").GetDouble() >= 10, listed.ToString());
        Assert.NotEqual(JsonValueKind.Null, listed.GetProperty("next_look_at").ValueKind);
        await RecoveryProduct.UntilAsync(() => Task.FromResult(Metric.Read("payments.attempts.oldest_unsettled", "payments.state", "unknown")), age => age >= 10, Token);
        await RecoveryProduct.UntilAsync(() => Task.FromResult(Metric.Read("payments.incidents.open", "payments.incident", "attempt_unresolved")), open => open >= 1, Token);
        Assert.Equal("processing", (await product.Stripe.GetAsync($"/v1/payments/{first.Id}", Token)).GetProperty("status").GetString());

        await product.ClearFaultsAsync();

        await product.Stripe.UntilAsync(first.Id, "captured", Token);
        var closed = Assert.Single(await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(first.Id, Token), i => i[0].GetProperty("closed_at").ValueKind != JsonValueKind.Null, Token));
        Assert.Equal(raised.GetProperty("id").GetString(), closed.GetProperty("id").GetString());
        Assert.DoesNotContain(await product.OpsAsync("attempts?unresolved=true", Token), a => a.GetProperty("payment_id").GetString() == first.Id);
    }

    [Theory]
    [InlineData("capture", "capturing", "amount_captured")]
    [InlineData("refunds", "refunding", "amount_refunded")]
    public async Task What_Adyen_accepted_and_never_tells_stays_reserved_and_is_raised(string what, string status, string amount)
    {
        var paid = await product.Adyen.PayAsync(Token, capture: what == "capture" ? "manual" : "automatic");
        await product.Adyen.UntilAsync(paid.Id, what == "capture" ? "authorized" : "captured", Token);
        await product.InjectAsync("adyen", "webhook", "webhook_lost", Token, count: null);
        var asked = await product.Adyen.PostAsync(paid.Id, what, new { amount = 4_000 }, Token);
        Assert.True(asked.Status is HttpStatusCode.OK or HttpStatusCode.Created, asked.Body);

        var raised = Assert.Single(await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(paid.Id, Token), i => i.Count > 0, Token));

        Assert.Contains("has not told its outcome", raised.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var now = await product.Adyen.GetAsync($"/v1/payments/{paid.Id}", Token);
        Assert.Equal((status, 0), (now.GetProperty("status").GetString(), now.GetProperty(amount).GetInt64()));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await product.Adyen.PostAsync(paid.Id, what, new { amount = 6_001 }, Token)).Status);
    }

    [Fact]
    public async Task A_notice_that_contradicts_is_held_against_the_providers_object_which_confirms_what_is_known()
    {
        var paid = await product.Stripe.PayAsync(Token);
        var attempt = paid.Json.GetProperty("provider_reference").GetString()!;

        await TellAsync(paid.Id, new ProviderFact($"evt_test_{paid.Id}", ProviderFactKind.AuthorizationDeclined, attempt) { OccurredAt = TimeProvider.System.GetUtcNow().AddMinutes(1) });

        var incident = Assert.Single(await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(paid.Id, Token), i => i.Count > 0 && i[0].GetProperty("closed_at").ValueKind != JsonValueKind.Null, Token));
        Assert.Equal("contradiction", incident.GetProperty("kind").GetString());
        Assert.Equal(["contradiction_settled"], await product.RecoveriesAsync(paid.Id, Token));
        Assert.Equal("captured", (await product.Stripe.GetAsync($"/v1/payments/{paid.Id}", Token)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_contradiction_that_was_not_settled_to_its_end_is_settled_by_whoever_takes_the_notice_up_again()
    {
        var paid = await product.Stripe.PayAsync(Token);
        var notice = $"evt_test_{paid.Id}";
        await ExecuteAsync("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON incidents FOR EACH ROW WHEN (NEW.closed_at IS NOT NULL AND NEW.kind = 'contradiction') EXECUTE FUNCTION refuse()
            """);
        try
        {
            await TellAsync(paid.Id, new ProviderFact(notice, ProviderFactKind.AuthorizationDeclined, paid.Json.GetProperty("provider_reference").GetString()!) { OccurredAt = TimeProvider.System.GetUtcNow().AddMinutes(1) });
            await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(paid.Id, Token), i => i.Count > 0, Token);
            await RecoveryProduct.UntilAsync(() => product.RecoveriesAsync(paid.Id, Token), r => r.Count > 0, Token);
        }
        finally
        {
            await ExecuteAsync("DROP TRIGGER refuse ON incidents; DROP FUNCTION refuse()");
        }

        // Its turn comes again after half a minute; here at once, as often as it takes for the round that failed to have ended.
        var incident = Assert.Single(await RecoveryProduct.UntilAsync(
            async () =>
            {
                await ExecuteAsync($"UPDATE provider_notices SET due_at = now() WHERE notice_id = '{notice}' AND due_at IS NOT NULL");
                return await product.IncidentsAsync(paid.Id, Token);
            },
            i => i[0].GetProperty("closed_at").ValueKind != JsonValueKind.Null, Token));
        Assert.Equal("contradiction", incident.GetProperty("kind").GetString());
        Assert.Equal(["contradiction_settled"], await product.RecoveriesAsync(paid.Id, Token));
    }

    [Fact]
    public async Task A_notice_that_contradicts_brings_the_providers_object_which_is_applied_where_it_may_follow()
    {
        await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: null);
        await product.InjectAsync("stripe", "read", "drop_before", Token, count: null);
        await product.InjectAsync("stripe", "authorize", "timeout_after", Token);
        var paid = await product.Stripe.PayAsync(Token);
        Assert.Equal("processing", paid.Text("status"));
        Assert.True(Id.TryParse<AttemptId>((await product.Stripe.GetAsync($"/v1/payments/{paid.Id}", Token)).GetProperty("attempts")[0].GetProperty("id").GetString(), out var attempt), "an attempt has an id");
        await product.RunAsync("UPDATE attempts SET due_at = now() + interval '1 hour', leased_until = NULL, fence = fence + 1 WHERE payment_id = $1", paid.Id, Token);
        await product.ClearFaultsAsync();

        await TellAsync(paid.Id, new ProviderFact($"evt_test_{paid.Id}", ProviderFactKind.AuthorizationApproved, "") { AttemptId = attempt, Amount = new Money(9_000, Currency.Of("USD")) });

        await product.Stripe.UntilAsync(paid.Id, "captured", Token);
        Assert.Equal(["contradiction_settled"], await product.RecoveriesAsync(paid.Id, Token));
        var incident = Assert.Single(await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(paid.Id, Token), i => i.Count > 0 && i[0].GetProperty("closed_at").ValueKind != JsonValueKind.Null, Token));
        Assert.Equal("contradiction", incident.GetProperty("kind").GetString());
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = product.Payments.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }

    private async Task TellAsync(string payment, ProviderFact fact)
    {
        Assert.True(Id.TryParse<PaymentId>(payment, out var id), "a payment has an id");
        var api = product.Host.ServicesOf(Platform.Names.Services.Api);
        await api.GetRequiredService<NoticeStore>().KeepAsync(new ProviderNotice(Provider.Stripe, Mode.Test, [fact with { PaymentId = id }]));
        api.GetRequiredService<FlowSignal>().NoticeArrived();
    }

    private async Task<object> BodyAsync(string capture) =>
        new { amount = 10_000, currency = "USD", payment_method = new { token = await product.Adyen.TokenAsync(Token) }, capture_method = capture };
}
