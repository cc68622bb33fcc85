using System.Text.Json;
using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Connectors;

/// <summary>Every operation at both providers, checked against the providers' own books.</summary>
public sealed class OperationsTests(ProvidersWorld world) : IClassFixture<ProvidersWorld>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<Provider> Both => [Provider.Stripe, Provider.Adyen];

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Authorize_capture_in_part_and_refund_in_part(Provider provider)
    {
        var call = await world.CallAsync(provider);
        var authorized = await world[provider].AuthorizeAsync(call, Cancel);
        Assert.Equal((OutcomeKind.Approved, false), (authorized.Kind, authorized.Captured));
        Assert.Equal("match", authorized.CvcResult);
        await world.FactAsync(f => f is { Kind: ProviderFactKind.AuthorizationApproved } && f.AttemptId == call.AttemptId && f.PaymentReference == authorized.PaymentReference);

        var capture = ProvidersWorld.Modify(call, authorized.PaymentReference!, 6_000);
        var captured = await world[provider].CaptureAsync(capture, Cancel);
        AssertDone(provider, captured);
        Assert.True(await world.SettledAsync(captured, capture) is null or ProviderFactKind.CaptureSucceeded);
        await world.FactAsync(f => f is { Kind: ProviderFactKind.CaptureSucceeded } && f.AttemptId == capture.AttemptId && f.Amount!.Value.Minor == 6_000);

        var refund = ProvidersWorld.Modify(call, authorized.PaymentReference!, 2_500, reason: "requested_by_customer");
        var refunded = await world[provider].RefundAsync(refund, Cancel);
        AssertDone(provider, refunded);
        await world.FactAsync(f => f is { Kind: ProviderFactKind.RefundSucceeded } && f.AttemptId == refund.AttemptId && f.ModificationReference == refunded.ModificationReference);

        var charge = Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString()));
        Assert.Equal((10_000, 6_000, 2_500), Amounts(charge));
        Assert.Equal(call.AttemptId.ToString(), charge.GetProperty("idempotency_key").GetString());
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Authorize_and_capture_in_one_call(Provider provider)
    {
        var call = await world.CallAsync(provider, captureNow: true);
        var outcome = await world[provider].AuthorizeAsync(call, Cancel);
        Assert.Equal((OutcomeKind.Approved, true), (outcome.Kind, outcome.Captured));
        Assert.Equal((10_000, 10_000, 0), Amounts(Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString()))));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Several_captures_of_one_authorization(Provider provider)
    {
        var call = await world.CallAsync(provider);
        var reference = (await world[provider].AuthorizeAsync(call, Cancel)).PaymentReference!;
        foreach (var (amount, final) in new[] { (3_000, false), (4_000, false), (3_000, true) })
        {
            var capture = ProvidersWorld.Modify(call, reference, amount, final);
            AssertDone(provider, await world[provider].CaptureAsync(capture, Cancel));
            await world.FactAsync(f => f is { Kind: ProviderFactKind.CaptureSucceeded } && f.AttemptId == capture.AttemptId && f.Amount!.Value.Minor == amount);
        }

        Assert.Equal((10_000, 10_000, 0), Amounts(Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString()))));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task More_than_was_authorized_is_captured_by_no_provider_as_its_connector_declares(Provider provider)
    {
        var call = await world.CallAsync(provider);
        var capture = ProvidersWorld.Modify(call, (await world[provider].AuthorizeAsync(call, Cancel)).PaymentReference!, 10_001);
        var outcome = await world[provider].CaptureAsync(capture, Cancel);
        Assert.False(world[provider].Capabilities.OverCapture);
        Assert.Equal(provider == Provider.Stripe ? OutcomeKind.Declined : OutcomeKind.Pending, outcome.Kind);
        Assert.True(await world.SettledAsync(outcome, capture) is null or ProviderFactKind.CaptureFailed);
        Assert.Equal((10_000, 0, 0), Amounts(Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString()))));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_void_releases_the_hold(Provider provider)
    {
        var call = await world.CallAsync(provider);
        var reference = (await world[provider].AuthorizeAsync(call, Cancel)).PaymentReference!;
        var voiding = ProvidersWorld.Modify(call, reference, 10_000);
        AssertDone(provider, await world[provider].VoidAsync(voiding, Cancel));
        await world.FactAsync(f => f.PaymentReference == reference && f.Kind == (provider == Provider.Stripe ? ProviderFactKind.AuthorizationCancelled : ProviderFactKind.VoidSucceeded));
        Assert.Equal("canceled", Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString())).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Adyen_cancels_by_our_reference_where_its_own_never_arrived()
    {
        var call = await world.CallAsync(Provider.Adyen);
        await world[Provider.Adyen].AuthorizeAsync(call, Cancel);
        var voiding = ProvidersWorld.Modify(call, call.AttemptId.ToString(), 10_000);
        var outcome = await world[Provider.Adyen].VoidAsync(voiding, Cancel);
        Assert.Equal(ProviderFactKind.VoidSucceeded, await world.SettledAsync(outcome, voiding));
        Assert.Equal("canceled", Assert.Single(await world.BooksAsync(Provider.Adyen, call.AttemptId.ToString())).GetProperty("status").GetString());

        var nothing = ProvidersWorld.Modify(call, ProvidersWorld.Ids.New<AttemptId>().ToString(), 10_000);
        Assert.Equal(ProviderFactKind.VoidFailed, await world.SettledAsync(await world[Provider.Adyen].VoidAsync(nothing, Cancel), nothing));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Adyens_approval_by_webhook_tells_whether_it_captures(bool captureNow)
    {
        var call = await world.CallAsync(Provider.Adyen, captureNow: captureNow);
        await world[Provider.Adyen].AuthorizeAsync(call, Cancel);
        var fact = await world.FactAsync(f => f.Kind == ProviderFactKind.AuthorizationApproved && f.AttemptId == call.AttemptId);
        Assert.Equal((captureNow, (PaymentId?)call.PaymentId), (fact.Captured, fact.PaymentId));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_void_after_the_capture_is_refused(Provider provider)
    {
        var call = await world.CallAsync(provider, captureNow: true);
        var reference = (await world[provider].AuthorizeAsync(call, Cancel)).PaymentReference!;
        var voiding = ProvidersWorld.Modify(call, reference, 10_000);
        var outcome = await world[provider].VoidAsync(voiding, Cancel);
        if (provider == Provider.Stripe)
        {
            Assert.Equal((OutcomeKind.Declined, "wrong_state"), (outcome.Kind, outcome.Decline?.Code));
        }
        else
        {
            Assert.Equal(ProviderFactKind.VoidFailed, await world.SettledAsync(outcome, voiding));
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_refund_above_the_capture_is_refused(Provider provider)
    {
        var call = await world.CallAsync(provider, captureNow: true);
        var reference = (await world[provider].AuthorizeAsync(call, Cancel)).PaymentReference!;
        var refund = ProvidersWorld.Modify(call, reference, 10_001);
        var outcome = await world[provider].RefundAsync(refund, Cancel);
        if (provider == Provider.Stripe)
        {
            Assert.Equal(OutcomeKind.Declined, outcome.Kind);
        }
        else
        {
            Assert.Equal(ProviderFactKind.RefundFailed, await world.SettledAsync(outcome, refund));
        }

        Assert.Equal((10_000, 10_000, 0), Amounts(Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString()))));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task The_same_attempt_sent_again_is_the_same_charge(Provider provider)
    {
        var call = await world.CallAsync(provider, captureNow: true);
        var first = await world[provider].AuthorizeAsync(call, Cancel);
        var again = await world[provider].AuthorizeAsync(call, Cancel);
        Assert.Equal(first, again);
        Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString()));

        var refund = ProvidersWorld.Modify(call, first.PaymentReference!, 4_000);
        Assert.Equal(await world[provider].RefundAsync(refund, Cancel), await world[provider].RefundAsync(refund, Cancel));
        Assert.Single(Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString())).GetProperty("refunds").EnumerateArray());
    }

    [Fact]
    public async Task At_Stripe_the_same_key_with_another_amount_is_unknown_and_called_a_bug()
    {
        var call = await world.CallAsync(Provider.Stripe);
        await world[Provider.Stripe].AuthorizeAsync(call, Cancel);
        var outcome = await world[Provider.Stripe].AuthorizeAsync(call with { Amount = new Money(1, call.Amount.Currency) }, Cancel);
        Assert.Equal(OutcomeKind.Unknown, outcome.Kind);
        Assert.StartsWith("bug:", outcome.Detail, StringComparison.Ordinal);
    }

    // card, our code at Stripe, our code at Adyen
    [Theory]
    [InlineData("4000000000000002", "card_declined", "card_declined")]
    [InlineData("4000000000009995", "insufficient_funds", "insufficient_funds")]
    [InlineData("4000000000009987", "lost_card", "blocked_card")]
    [InlineData("4000000000009979", "stolen_card", "blocked_card")]
    [InlineData("4000000000000069", "expired_card", "expired_card")]
    [InlineData("4000000000000127", "incorrect_cvc", "incorrect_cvc")]
    [InlineData("4000000000000119", "processing_error", "processing_error")]
    [InlineData("4000000000006975", "limit_exceeded", "limit_exceeded")]
    [InlineData("4100000000000019", "suspected_fraud", "suspected_fraud")]
    public async Task Every_declining_card_has_its_code_in_the_answer_and_in_the_webhook(string number, string atStripe, string atAdyen)
    {
        foreach (var (provider, code) in new[] { (Provider.Stripe, atStripe), (Provider.Adyen, atAdyen) })
        {
            var call = await world.CallAsync(provider, number);
            var outcome = await world[provider].AuthorizeAsync(call, Cancel);
            Assert.Equal((OutcomeKind.Declined, code), (outcome.Kind, outcome.Decline?.Code));
            Assert.NotNull(outcome.PaymentReference);
            var fact = await world.FactAsync(f => f.Kind == ProviderFactKind.AuthorizationDeclined && f.AttemptId == call.AttemptId);
            Assert.Equal((code, outcome.PaymentReference), (fact.Decline?.Code, fact.PaymentReference));
        }
    }

    [Fact]
    public async Task Refunds_that_turn_later_are_told_by_webhook()
    {
        var pending = await world.CallAsync(Provider.Stripe, "4000000000007726", captureNow: true);
        var reference = (await world[Provider.Stripe].AuthorizeAsync(pending, Cancel)).PaymentReference!;
        var refund = ProvidersWorld.Modify(pending, reference, 10_000);
        var outcome = await world[Provider.Stripe].RefundAsync(refund, Cancel);
        Assert.Equal(OutcomeKind.Pending, outcome.Kind);
        Assert.Equal(ProviderFactKind.RefundSucceeded, await world.SettledAsync(outcome, refund));

        foreach (var provider in Enum.GetValues<Provider>())
        {
            var bouncing = await world.CallAsync(provider, "4000000000005126", captureNow: true);
            var original = (await world[provider].AuthorizeAsync(bouncing, Cancel)).PaymentReference!;
            var bounced = ProvidersWorld.Modify(bouncing, original, 10_000);
            AssertDone(provider, await world[provider].RefundAsync(bounced, Cancel));
            await world.FactAsync(f => f.Kind == ProviderFactKind.RefundFailed && f.AttemptId == bounced.AttemptId);
        }
    }

    [Fact]
    public async Task A_capture_that_Adyen_takes_back_is_told_by_webhook()
    {
        var call = await world.CallAsync(Provider.Adyen, "4000000000008617");
        var reference = (await world[Provider.Adyen].AuthorizeAsync(call, Cancel)).PaymentReference!;
        var capture = ProvidersWorld.Modify(call, reference, 10_000);
        await world[Provider.Adyen].CaptureAsync(capture, Cancel);
        await world.FactAsync(f => f.Kind == ProviderFactKind.CaptureSucceeded && f.AttemptId == capture.AttemptId);
        await world.FactAsync(f => f.Kind == ProviderFactKind.CaptureFailed && f.AttemptId == capture.AttemptId);
    }

    [Fact]
    public async Task Stripe_tells_what_became_of_every_operation()
    {
        var stripe = world[Provider.Stripe];
        var call = await world.CallAsync(Provider.Stripe);
        var before = await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Authorize, call.AttemptId, call, null), Cancel);
        Assert.Equal(ReadBackKind.NotFound, before.Kind);

        var reference = (await stripe.AuthorizeAsync(call, Cancel)).PaymentReference!;
        foreach (var read in new[]
        {
            ProvidersWorld.Read(OperationKind.Authorize, call.AttemptId, call, reference),
            ProvidersWorld.Read(OperationKind.Authorize, call.AttemptId, call, null),
            ProvidersWorld.Read(OperationKind.Authorize, call.AttemptId, call, null) with { ProviderToken = call.ProviderToken },
        })
        {
            var found = await stripe.ReadAsync(read, Cancel);
            Assert.Equal((ReadBackKind.Found, OutcomeKind.Approved, reference), (found.Kind, found.Outcome!.Kind, found.Outcome.PaymentReference));
        }

        var capture = ProvidersWorld.Modify(call, reference, 10_000);
        Assert.Equal(ReadBackKind.NotFound, (await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Capture, capture.AttemptId, call, reference), Cancel)).Kind);
        await stripe.CaptureAsync(capture, Cancel);
        Assert.Equal(ReadBackKind.Found, (await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Capture, capture.AttemptId, call, reference), Cancel)).Kind);
        Assert.Equal(ReadBackKind.NotFound, (await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Capture, ProvidersWorld.Ids.New<AttemptId>(), call, reference), Cancel)).Kind);
        Assert.Equal(ReadBackKind.NotFound, (await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Void, ProvidersWorld.Ids.New<AttemptId>(), call, reference), Cancel)).Kind);

        var refund = ProvidersWorld.Modify(call, reference, 1_000);
        Assert.Equal(ReadBackKind.NotFound, (await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Refund, refund.AttemptId, call, reference), Cancel)).Kind);
        var refunded = await stripe.RefundAsync(refund, Cancel);
        foreach (var modification in new[] { null, refunded.ModificationReference })
        {
            var found = await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Refund, refund.AttemptId, call, reference, modification), Cancel);
            Assert.Equal((ReadBackKind.Found, refunded.ModificationReference), (found.Kind, found.Outcome!.ModificationReference));
        }

        Assert.Equal(ReadBackKind.NotFound, (await stripe.ReadAsync(ProvidersWorld.Read(OperationKind.Authorize, call.AttemptId, call, "pi_unknown"), Cancel)).Kind);
        Assert.Equal(ReadBackKind.CannotAsk, (await world[Provider.Adyen].ReadAsync(ProvidersWorld.Read(OperationKind.Authorize, call.AttemptId, call, null), Cancel)).Kind);
    }

    [Fact]
    public async Task Stripe_is_searched_page_by_page_to_the_end()
    {
        var wanted = await world.CallAsync(Provider.Stripe);
        var reference = (await world[Provider.Stripe].AuthorizeAsync(wanted, Cancel)).PaymentReference!;
        var filler = await world.CallAsync(Provider.Stripe);
        await Parallel.ForAsync(0, 230, Cancel, async (_, token) =>
            await world[Provider.Stripe].AuthorizeAsync(filler with { AttemptId = ProvidersWorld.Ids.New<AttemptId>() }, token));

        var found = await world[Provider.Stripe].ReadAsync(ProvidersWorld.Read(OperationKind.Authorize, wanted.AttemptId, wanted, null), Cancel);
        Assert.Equal((ReadBackKind.Found, reference), (found.Kind, found.Outcome?.PaymentReference));
        var missing = await world[Provider.Stripe].ReadAsync(ProvidersWorld.Read(OperationKind.Authorize, ProvidersWorld.Ids.New<AttemptId>(), wanted, null), Cancel);
        Assert.Equal(ReadBackKind.NotFound, missing.Kind);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_stored_card_tells_its_facts_and_is_gone_after_detaching(Provider provider)
    {
        var tokenised = await world[provider].TokeniseAsync(
            new TokeniseCall(ProvidersWorld.Ids.New<TokenId>(), ProvidersWorld.Ids.New<MerchantId>(), Mode.Test, new CardData("5555555555554444", 12, 2034, "123", "A Name")), Cancel);
        Assert.Equal((OutcomeKind.Approved, "mastercard"), (tokenised.Kind, tokenised.Brand));
        if (provider == Provider.Stripe)
        {
            Assert.Equal(("US", "credit"), (tokenised.Country, tokenised.Funding));
        }

        var call = await world.CallAsync(provider) with { ProviderToken = tokenised.ProviderToken! };
        Assert.Equal(OutcomeKind.Approved, (await world[provider].AuthorizeAsync(call, Cancel)).Kind);
        Assert.True(await world[provider].DetachAsync(Mode.Test, tokenised.ProviderToken!, Cancel));
        Assert.True(await world[provider].DetachAsync(Mode.Test, tokenised.ProviderToken!, Cancel));
        var after = await world[provider].AuthorizeAsync(call with { AttemptId = ProvidersWorld.Ids.New<AttemptId>() }, Cancel);
        Assert.Equal(OutcomeKind.Declined, after.Kind);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_card_that_is_no_card_is_not_stored(Provider provider)
    {
        var answer = await world[provider].TokeniseAsync(
            new TokeniseCall(ProvidersWorld.Ids.New<TokenId>(), ProvidersWorld.Ids.New<MerchantId>(), Mode.Test, new CardData("4242424242424241", 12, 2034, "123", null)), Cancel);
        Assert.Equal((OutcomeKind.Declined, "incorrect_number"), (answer.Kind, answer.Decline?.Code));
    }

    [Fact]
    public async Task Both_providers_answer_probes_and_no_webhook_was_refused()
    {
        foreach (var connector in world.Registry.In(Mode.Test))
        {
            Assert.True(await connector.ProbeAsync(Cancel));
        }

        Assert.Equal(0, world.RefusedWebhooks);
        Assert.Empty(world.Registry.In(Mode.Live));
    }

    private static void AssertDone(Provider provider, Outcome outcome) =>
        Assert.Equal(provider == Provider.Stripe ? OutcomeKind.Approved : OutcomeKind.Pending, outcome.Kind);

    private static (long Amount, long Captured, long Refunded) Amounts(JsonElement charge) =>
        (charge.GetProperty("amount").GetInt64(), charge.GetProperty("amount_captured").GetInt64(), charge.GetProperty("amount_refunded").GetInt64());
}
