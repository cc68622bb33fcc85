using System.Net;
using System.Net.Sockets;
using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.Tests.Connectors;

/// <summary>How a call ends when the network or the provider misbehaves. Wrong here means a double charge or a lost one.</summary>
public sealed class ClassificationTests
{
    private const string StripeApproved = """{"id":"pi_1","object":"payment_intent","amount":5000,"currency":"usd","status":"requires_capture","latest_charge":"ch_1"}""";
    private const string AdyenApproved = """{"pspReference":"883500000000000A","resultCode":"Authorised","amount":{"currency":"USD","value":5000}}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<Provider> Both => [Provider.Stripe, Provider.Adyen];

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_refused_connection_is_not_processed(Provider provider)
    {
        var outcome = await Bench.Connector(FreePort("http"), provider).AuthorizeAsync(Bench.Authorize(provider), Cancel);
        Assert.Equal((OutcomeKind.NotProcessed, "not sent: ConnectionError"), (outcome.Kind, outcome.Detail));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_name_that_does_not_resolve_is_not_processed(Provider provider)
    {
        var outcome = await Bench.Connector(new Uri("http://provider.invalid"), provider).AuthorizeAsync(Bench.Authorize(provider), Cancel);
        Assert.Equal(OutcomeKind.NotProcessed, outcome.Kind);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_failed_TLS_handshake_is_not_processed(Provider provider)
    {
        await using var server = new ScriptedServer(Act.Garbage);
        var outcome = await Bench.Connector(new UriBuilder(server.Url) { Scheme = "https" }.Uri, provider, timeLimitMilliseconds: 1_000).AuthorizeAsync(Bench.Authorize(provider), Cancel);
        Assert.Equal(OutcomeKind.NotProcessed, outcome.Kind);
        Assert.Equal(0, server.Requests);
    }

    [Fact]
    public async Task A_connection_that_is_never_accepted_is_not_processed()
    {
        // Accepted by the kernel, never by TLS: the time limit passes before a byte of the request was sent.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var url = new Uri($"https://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}");
        var outcome = await Bench.Connector(url, Provider.Stripe, timeLimitMilliseconds: 300).AuthorizeAsync(Bench.Authorize(Provider.Stripe), Cancel);
        Assert.Equal((OutcomeKind.NotProcessed, "not sent: time limit"), (outcome.Kind, outcome.Detail));
    }

    public static TheoryData<Provider, int> AfterSending
    {
        get
        {
            var data = new TheoryData<Provider, int>();
            foreach (var provider in Enum.GetValues<Provider>())
            {
                foreach (var act in new[] { Act.Close, Act.Reset, Act.Hang, Act.Garbage, Act.HalfAnswer, Act.HeadOnly })
                {
                    data.Add(provider, (int)act);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(AfterSending))]
    public async Task Whatever_goes_wrong_after_sending_is_unknown_and_sent_once(Provider provider, int act)
    {
        await using var server = new ScriptedServer((Act)act);
        // Only what never ends is waited for until the limit.
        var connector = Bench.Connector(server.Url, provider, timeLimitMilliseconds: (Act)act is Act.Hang or Act.HeadOnly ? 1_500 : 10_000);
        foreach (var run in new Func<Task<Outcome>>[]
        {
            () => connector.AuthorizeAsync(Bench.Authorize(provider), Cancel),
            () => connector.CaptureAsync(Bench.Modify(), Cancel),
            () => connector.VoidAsync(Bench.Modify(), Cancel),
            () => connector.RefundAsync(Bench.Modify(), Cancel),
        })
        {
            var before = server.Requests;
            var outcome = await run();
            Assert.Equal(OutcomeKind.Unknown, outcome.Kind);
            Assert.Equal(before + 1, server.Requests);
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_kept_connection_that_breaks_is_unknown_and_the_request_is_not_repeated(Provider provider)
    {
        await using var server = new ScriptedServer(Act.Respond, Act.Close) { Answer = (200, provider == Provider.Stripe ? StripeApproved : AdyenApproved, null) };
        var connector = Bench.Connector(server.Url, provider);
        Assert.Equal(OutcomeKind.Approved, (await connector.AuthorizeAsync(Bench.Authorize(provider), Cancel)).Kind);
        Assert.Equal(OutcomeKind.Unknown, (await connector.AuthorizeAsync(Bench.Authorize(provider), Cancel)).Kind);
        Assert.Equal(2, server.Requests);
    }

    // provider, status, body, outcome, code of the decline
    [Theory]
    [InlineData(Provider.Stripe, 200, StripeApproved, OutcomeKind.Approved, null)]
    [InlineData(Provider.Stripe, 200, """{"id":"pi_1","amount":5000,"currency":"usd","status":"processing"}""", OutcomeKind.Pending, null)]
    [InlineData(Provider.Stripe, 200, """{"id":"pi_1","amount":5000,"currency":"usd","status":"requires_action","next_action":{"type":"redirect_to_url","redirect_to_url":{"url":"https://acs.test/1"}}}""", OutcomeKind.NeedsAction, null)]
    [InlineData(Provider.Stripe, 200, """{"id":"pi_1","amount":5000,"currency":"usd","status":"requires_action","next_action":{"type":"use_stripe_sdk"}}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 200, """{"id":"pi_1","amount":5001,"currency":"usd","status":"requires_capture"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 200, """{"id":"pi_1","amount":5000,"currency":"eur","status":"requires_capture"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 200, """{"id":"pi_1","amount":5000,"currency":"usd","status":"a_status_of_tomorrow"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 200, """{"amount":5000,"currency":"usd","status":"requires_capture"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 200, "[]", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 200, "{\"id\":\"pi_1\"", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 200, "", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 302, "{}", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 402, """{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","payment_intent":{"id":"pi_1"}}}""", OutcomeKind.Declined, "insufficient_funds")]
    [InlineData(Provider.Stripe, 402, "<html>", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 400, """{"error":{"type":"invalid_request_error","code":"amount_too_small"}}""", OutcomeKind.Declined, "invalid_amount")]
    [InlineData(Provider.Stripe, 400, """{"error":{"type":"idempotency_error"}}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 400, "nonsense", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 404, """{"error":{"type":"invalid_request_error","code":"resource_missing"}}""", OutcomeKind.Declined, "token_unusable")]
    [InlineData(Provider.Stripe, 409, """{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 401, """{"error":{"type":"invalid_request_error"}}""", OutcomeKind.NotProcessed, null)]
    [InlineData(Provider.Stripe, 403, """{"error":{"type":"invalid_request_error"}}""", OutcomeKind.NotProcessed, null)]
    [InlineData(Provider.Stripe, 429, """{"error":{"type":"invalid_request_error","code":"rate_limit"}}""", OutcomeKind.NotProcessed, null)]
    [InlineData(Provider.Stripe, 500, """{"error":{"type":"api_error"}}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 502, "<html>bad gateway</html>", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 503, """{"error":{"type":"api_error"}}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Stripe, 504, "", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 200, AdyenApproved, OutcomeKind.Approved, null)]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"Refused","refusalReasonCode":"12","refusalReason":"Not enough balance"}""", OutcomeKind.Declined, "insufficient_funds")]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"Error","refusalReasonCode":"4","refusalReason":"Acquirer Error"}""", OutcomeKind.Declined, "processing_error")]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"Cancelled"}""", OutcomeKind.Declined, "customer_cancelled")]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"Pending"}""", OutcomeKind.Pending, null)]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"Received"}""", OutcomeKind.Pending, null)]
    [InlineData(Provider.Adyen, 200, """{"resultCode":"RedirectShopper","action":{"type":"redirect","method":"GET","url":"https://acs.test/1"}}""", OutcomeKind.NeedsAction, null)]
    [InlineData(Provider.Adyen, 200, """{"resultCode":"RedirectShopper"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 200, """{"resultCode":"IdentifyShopper"}""", OutcomeKind.Declined, "authentication_required")]
    [InlineData(Provider.Adyen, 200, """{"resultCode":"ChallengeShopper"}""", OutcomeKind.Declined, "authentication_required")]
    [InlineData(Provider.Adyen, 200, """{"resultCode":"PresentToShopper"}""", OutcomeKind.Declined, "authentication_required")]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"PartiallyAuthorised"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"AuthenticationFinished"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 200, """{"pspReference":"A1","resultCode":"Authorised","amount":{"currency":"USD","value":4999}}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 200, """{"resultCode":"Authorised"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 200, "{}", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 200, "{\"resultCode\":", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 401, """{"status":401,"errorCode":"000","errorType":"security"}""", OutcomeKind.NotProcessed, null)]
    [InlineData(Provider.Adyen, 403, """{"status":403,"errorCode":"901","errorType":"security"}""", OutcomeKind.NotProcessed, null)]
    [InlineData(Provider.Adyen, 422, """{"status":422,"errorCode":"137","errorType":"validation"}""", OutcomeKind.Declined, "invalid_amount")]
    [InlineData(Provider.Adyen, 422, """{"status":422,"errorCode":"803","errorType":"validation"}""", OutcomeKind.Declined, "token_unusable")]
    [InlineData(Provider.Adyen, 422, """{"status":422,"errorCode":"14_0408","errorType":"validation"}""", OutcomeKind.Declined, "request_refused")]
    [InlineData(Provider.Adyen, 422, """{"status":422,"errorCode":"704","errorType":"validation"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 422, "<html>", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 409, """{"status":409,"errorCode":"704","errorType":"validation"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 429, """{"status":429,"errorCode":"000"}""", OutcomeKind.NotProcessed, null)]
    [InlineData(Provider.Adyen, 500, """{"status":500,"errorCode":"000","errorType":"internal"}""", OutcomeKind.Unknown, null)]
    [InlineData(Provider.Adyen, 503, """{"status":503,"errorCode":"000","errorType":"internal"}""", OutcomeKind.Unknown, null)]
    public async Task Every_answer_to_an_authorization_has_its_class(Provider provider, int status, string body, OutcomeKind kind, string? decline)
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (status, body, "transient-error: true\r\nLocation: http://127.0.0.1:1/\r\n") };
        var outcome = await Bench.Connector(server.Url, provider).AuthorizeAsync(Bench.Authorize(provider), Cancel);
        Assert.Equal((kind, decline), (outcome.Kind, outcome.Decline?.Code));
        Assert.Equal(1, server.Requests);
    }

    // status, body, outcome of a modification at Adyen
    [Theory]
    [InlineData(201, """{"merchantAccount":"TestMerchant","paymentPspReference":"A1","pspReference":"A2","status":"received"}""", OutcomeKind.Pending)]
    [InlineData(201, """{"merchantAccount":"TestMerchant"}""", OutcomeKind.Unknown)]
    [InlineData(201, "", OutcomeKind.Unknown)]
    [InlineData(422, """{"status":422,"errorCode":"167"}""", OutcomeKind.Declined)]
    [InlineData(500, "", OutcomeKind.Unknown)]
    public async Task Every_answer_to_a_modification_at_Adyen_has_its_class(int status, string body, OutcomeKind kind)
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (status, body, null) };
        var connector = Bench.Connector(server.Url, Provider.Adyen);
        Assert.Equal(kind, (await connector.CaptureAsync(Bench.Modify(), Cancel)).Kind);
        Assert.Equal(kind, (await connector.VoidAsync(Bench.Modify(), Cancel)).Kind);
        Assert.Equal(kind, (await connector.RefundAsync(Bench.Modify(), Cancel)).Kind);
    }

    [Fact]
    public async Task A_capture_that_Stripe_shows_to_have_been_done_by_this_attempt_is_approved_and_another_is_not()
    {
        var call = Bench.Modify("pi_1");
        await using var server = new ScriptedServer(Act.Respond)
        {
            Answer = (400, $$$"""{"error":{"type":"invalid_request_error","code":"payment_intent_unexpected_state","payment_intent":{"id":"pi_1","status":"succeeded","metadata":{"capture_{{{call.AttemptId}}}":"5000"} } } }""", null),
        };
        var connector = Bench.Connector(server.Url, Provider.Stripe);
        Assert.Equal(OutcomeKind.Approved, (await connector.CaptureAsync(call, Cancel)).Kind);

        var other = await connector.CaptureAsync(Bench.Modify("pi_1"), Cancel);
        Assert.Equal((OutcomeKind.Declined, "wrong_state"), (other.Kind, other.Decline?.Code));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task The_attempt_is_the_idempotency_key_and_travels_with_the_payment(Provider provider)
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (200, provider == Provider.Stripe ? StripeApproved : AdyenApproved, null) };
        var call = Bench.Authorize(provider);
        await Bench.Connector(server.Url, provider).AuthorizeAsync(call, Cancel);
        Assert.Contains($"Idempotency-Key: {call.AttemptId}", server.LastRequest, StringComparison.Ordinal);
        var content = WebUtility.UrlDecode(server.LastRequest);
        foreach (var id in new[] { call.AttemptId.ToString(), call.PaymentId.ToString(), call.MerchantId.ToString() })
        {
            Assert.Contains(id, content[content.IndexOf("\r\n\r\n", StringComparison.Ordinal)..], StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Five_failures_open_the_circuit_and_nothing_is_sent_any_more(Provider provider)
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (503, "{}", null) };
        var registry = Bench.Registry(server.Url);
        var connector = registry.Find(provider, Mode.Test)!;
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(OutcomeKind.Unknown, (await connector.AuthorizeAsync(Bench.Authorize(provider), Cancel)).Kind);
        }

        foreach (var outcome in new[] { await connector.AuthorizeAsync(Bench.Authorize(provider), Cancel), await connector.RefundAsync(Bench.Modify(), Cancel) })
        {
            Assert.Equal((OutcomeKind.NotProcessed, "circuit open"), (outcome.Kind, outcome.Detail));
        }

        Assert.Equal(5, server.Requests);
        Assert.Equal(CircuitState.Open, registry.Health().Single(h => h.Provider == provider).State);
        Assert.Equal(CircuitState.Closed, registry.Health().Single(h => h.Provider != provider).State);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task The_end_of_a_challenge_is_never_not_processed_and_also_tried_while_the_circuit_is_open(Provider provider)
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (429, """{"error":{"type":"invalid_request_error"}}""", null) };
        var connector = Bench.Connector(server.Url, provider);
        var authorize = Bench.Authorize(provider);
        var call = new ChallengeCall(
            authorize.AttemptId, authorize.PaymentId, Mode.Test, authorize.Amount, CaptureNow: false, "ref_1", new Dictionary<string, string> { ["redirectResult"] = "result" });
        for (var i = 1; i <= 8; i++)
        {
            var outcome = await connector.CompleteChallengeAsync(call, Cancel);
            Assert.Equal(provider == Provider.Stripe ? OutcomeKind.Unknown : OutcomeKind.NeedsAction, outcome.Kind);
            Assert.Equal(i, server.Requests);
        }

        Assert.Equal("circuit open", (await connector.AuthorizeAsync(authorize, Cancel)).Detail);
        var refused = await Bench.Connector(FreePort("http"), provider).CompleteChallengeAsync(call, Cancel);
        Assert.Equal(provider == Provider.Stripe ? OutcomeKind.Unknown : OutcomeKind.NeedsAction, refused.Kind);
    }

    [Theory]
    [InlineData(402, """{"error":{"type":"card_error","code":"card_declined"}}""")]
    [InlineData(400, """{"error":{"type":"invalid_request_error"}}""")]
    [InlineData(409, """{"error":{"type":"idempotency_error"}}""")]
    public async Task Declines_and_conflicts_do_not_open_the_circuit(int status, string body)
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (status, body, null) };
        var connector = Bench.Connector(server.Url, Provider.Stripe);
        for (var i = 0; i < 20; i++)
        {
            await connector.AuthorizeAsync(Bench.Authorize(Provider.Stripe), Cancel);
        }

        Assert.Equal(20, server.Requests);
    }

    [Fact]
    public async Task A_read_is_tried_three_times_and_also_while_the_circuit_is_open()
    {
        await using var server = new ScriptedServer(Act.Respond) { Answer = (503, "{}", null) };
        var connector = Bench.Connector(server.Url, Provider.Stripe);
        var call = new ReadCall(OperationKind.Authorize, Bench.Ids.New<AttemptId>(), Bench.Ids.New<PaymentId>(), Mode.Test, new Money(5_000, Currency.Of("USD")), null, null, DateTimeOffset.UnixEpoch.AddYears(50));
        for (var i = 1; i <= 4; i++)
        {
            Assert.Equal(ReadBackKind.Unanswered, (await connector.ReadAsync(call, Cancel)).Kind);
            Assert.Equal(3 * i, server.Requests);
        }
    }

    [Fact]
    public async Task A_caller_who_gives_up_gets_an_outcome_and_leaves_the_circuit_alone()
    {
        await using var server = new ScriptedServer(Act.Hang);
        var registry = Bench.Registry(server.Url);
        for (var i = 0; i < 6; i++)
        {
            using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            var outcome = await registry.Find(Provider.Stripe, Mode.Test)!.AuthorizeAsync(Bench.Authorize(Provider.Stripe), impatient.Token);
            Assert.True(outcome.Kind is OutcomeKind.Unknown or OutcomeKind.NotProcessed);
        }

        Assert.All(registry.Health(), h => Assert.Equal((CircuitState.Closed, 0), (h.State, h.Failures)));
    }

    private static Uri FreePort(string scheme)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"{scheme}://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }
}
