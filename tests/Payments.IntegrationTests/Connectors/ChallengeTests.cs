using Microsoft.AspNetCore.WebUtilities;
using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Connectors;

/// <summary>3-D Secure by redirect: the customer's browser at the issuer's page, and back.</summary>
public sealed class ChallengeTests(ProvidersWorld world) : IClassFixture<ProvidersWorld>
{
    private const string AlwaysChallenged = "4000002760003184";
    private const string ChallengedOnRequest = "4000000000003055";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Provider.Stripe, true)]
    [InlineData(Provider.Stripe, false)]
    [InlineData(Provider.Adyen, true)]
    [InlineData(Provider.Adyen, false)]
    public async Task A_challenge_is_answered_and_completed(Provider provider, bool captureNow)
    {
        var call = await world.CallAsync(provider, AlwaysChallenged, captureNow);
        var asked = await world[provider].AuthorizeAsync(call, Cancel);
        Assert.Equal(OutcomeKind.NeedsAction, asked.Kind);

        var early = await CompleteAsync(provider, call, asked, []);
        Assert.Equal(OutcomeKind.NeedsAction, early.Kind);

        var query = await AnswerAsync(asked.ActionUrl!, "approve");
        var completed = await CompleteAsync(provider, call, asked, query);
        Assert.Equal((OutcomeKind.Approved, captureNow), (completed.Kind, completed.Captured));
        Assert.NotNull(completed.PaymentReference);
        Assert.Equal(completed, await CompleteAsync(provider, call, asked, query));
        Assert.Single(await world.BooksAsync(provider, call.AttemptId.ToString()));
    }

    [Theory]
    [InlineData(Provider.Stripe)]
    [InlineData(Provider.Adyen)]
    public async Task A_rejected_challenge_is_a_decline(Provider provider)
    {
        var call = await world.CallAsync(provider, AlwaysChallenged);
        var asked = await world[provider].AuthorizeAsync(call, Cancel);
        var completed = await CompleteAsync(provider, call, asked, await AnswerAsync(asked.ActionUrl!, "reject"));
        Assert.Equal((OutcomeKind.Declined, "authentication_failed"), (completed.Kind, completed.Decline?.Code));
    }

    [Theory]
    [InlineData(Provider.Stripe)]
    [InlineData(Provider.Adyen)]
    public async Task A_forged_return_changes_nothing(Provider provider)
    {
        var call = await world.CallAsync(provider, AlwaysChallenged);
        var asked = await world[provider].AuthorizeAsync(call, Cancel);
        var forged = await CompleteAsync(provider, call, asked, new() { ["redirectResult"] = "made-up", ["redirect_status"] = "succeeded", ["payment_intent"] = "pi_other" });
        Assert.Equal(OutcomeKind.NeedsAction, forged.Kind);
    }

    [Theory]
    [InlineData(Provider.Stripe)]
    [InlineData(Provider.Adyen)]
    public async Task A_challenge_may_be_asked_for_and_without_the_customer_it_is_a_decline(Provider provider)
    {
        var call = await world.CallAsync(provider, ChallengedOnRequest);
        Assert.Equal(OutcomeKind.Approved, (await world[provider].AuthorizeAsync(call, Cancel)).Kind);
        var requested = await world[provider].AuthorizeAsync(call with { AttemptId = ProvidersWorld.Ids.New<AttemptId>(), ThreeDSecure = ThreeDSecureRequest.Challenge }, Cancel);
        Assert.Equal(OutcomeKind.NeedsAction, requested.Kind);

        var absent = await world.CallAsync(provider, AlwaysChallenged) with { CustomerPresent = false };
        var outcome = await world[provider].AuthorizeAsync(absent, Cancel);
        Assert.Equal((OutcomeKind.Declined, "authentication_required"), (outcome.Kind, outcome.Decline?.Code));
    }

    [Theory]
    [InlineData(Provider.Stripe)]
    [InlineData(Provider.Adyen)]
    public async Task An_issuer_is_asked_without_preference_and_answers_without_a_challenge_what_it_will(Provider provider)
    {
        foreach (var (number, result, eci, shifts) in new[]
        {
            (ChallengedOnRequest, AuthenticationResult.Authenticated, "05", true), ("4242424242424242", AuthenticationResult.Attempted, "06", true),
            ("4000000000003097", AuthenticationResult.Unavailable, "07", false),
        })
        {
            var call = await world.CallAsync(provider, number) with { ThreeDSecure = ThreeDSecureRequest.NoPreference };
            var outcome = await world[provider].AuthorizeAsync(call, Cancel);
            Assert.Equal((OutcomeKind.Approved, result, eci, shifts), (outcome.Kind, outcome.Authentication!.Result, outcome.Authentication.Eci, outcome.Authentication.LiabilityShifted));
        }

        Assert.Null((await world[provider].AuthorizeAsync(await world.CallAsync(provider, ChallengedOnRequest), Cancel)).Authentication);
    }

    private Task<Outcome> CompleteAsync(Provider provider, AuthorizeCall call, Outcome asked, Dictionary<string, string> query) => world[provider].CompleteChallengeAsync(
        new ChallengeCall(call.AttemptId, call.PaymentId, Mode.Test, call.Amount, call.CaptureNow, asked.PaymentReference, query), Cancel);

    private static async Task<Dictionary<string, string>> AnswerAsync(string url, string outcome)
    {
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["outcome"] = outcome });
        using var answer = await browser.PostAsync(new Uri(url), form, Cancel);
        var location = answer.Headers.Location!;
        Assert.StartsWith("https://shop.test/return?a=1&", location.ToString(), StringComparison.Ordinal);
        return QueryHelpers.ParseQuery(location.Query).ToDictionary(p => p.Key, p => p.Value.ToString());
    }
}
