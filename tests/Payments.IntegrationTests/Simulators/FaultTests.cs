using System.Net;
using System.Text;
using System.Text.Json;

namespace Payments.IntegrationTests.Simulators;

/// <summary>Each fault does what its name says, to the answer and to the books.</summary>
public sealed class FaultTests
{
    [Theory]
    [InlineData("stripe", "drop_before", 0)]
    [InlineData("stripe", "drop_after", 1)]
    [InlineData("stripe", "timeout_before", 0)]
    [InlineData("stripe", "timeout_after", 1)]
    [InlineData("adyen", "drop_before", 0)]
    [InlineData("adyen", "drop_after", 1)]
    [InlineData("adyen", "timeout_before", 0)]
    [InlineData("adyen", "timeout_after", 1)]
    public async Task A_dropped_or_timed_out_request_was_executed_exactly_when_the_fault_says_after(string provider, string kind, int charges)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider, operation = "authorize", kind, delay_ms = 100, count = 1 }, cancellationToken);

        await Assert.ThrowsAsync<HttpRequestException>(() => PayAsync(simulator, provider, cancellationToken));
        Assert.Equal(charges, (await simulator.BooksAsync(provider, cancellationToken)).At("charges").GetArrayLength());

        Assert.Equal(200, (await PayAsync(simulator, provider, cancellationToken)).Status);
        await simulator.OnlyChargeAsync(provider, cancellationToken);
    }

    [Theory]
    [InlineData("stripe", "429", 429)]
    [InlineData("stripe", "503", 503)]
    [InlineData("adyen", "429", 429)]
    [InlineData("adyen", "503", 503)]
    public async Task A_refused_request_was_not_executed_and_is_not_kept(string provider, string kind, int status)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider, operation = "any", kind, count = 1 }, cancellationToken);

        Assert.Equal(status, (await PayAsync(simulator, provider, cancellationToken)).Status);
        Assert.Empty((await simulator.BooksAsync(provider, cancellationToken)).At("charges").EnumerateArray());
        Assert.Equal(200, (await PayAsync(simulator, provider, cancellationToken)).Status);
    }

    [Fact]
    public async Task A_malformed_answer_hides_an_executed_request()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider = "stripe", operation = "authorize", kind = "malformed", count = 1 }, cancellationToken);

        var broken = await PayAsync(simulator, "stripe", cancellationToken);
        Assert.Equal(200, broken.Status);
        Assert.ThrowsAny<JsonException>(() => broken.Json);
        Assert.Equal((await PayAsync(simulator, "stripe", cancellationToken)).Json.At("id").GetString(), (await simulator.OnlyChargeAsync("stripe", cancellationToken)).At("payment_intent").GetString());
    }

    [Fact]
    public async Task A_provider_that_is_down_resets_every_request_until_the_fault_is_cleared()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider = "stripe", operation = "any", kind = "unavailable" }, cancellationToken);

        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => PayAsync(simulator, "stripe", cancellationToken));
        }

        Assert.Equal(200, (await PayAsync(simulator, "adyen", cancellationToken)).Status);
        using var cleared = await simulator.Http.DeleteAsync(new Uri("/faults", UriKind.Relative), cancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, cleared.StatusCode);
        Assert.Equal(200, (await PayAsync(simulator, "stripe", cancellationToken)).Status);
        await simulator.OnlyChargeAsync("stripe", cancellationToken);
    }

    [Fact]
    public async Task A_fault_is_aimed_at_one_operation_and_strikes_as_often_as_it_says()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        await simulator.FaultAsync(new { provider = "stripe", operation = "read", kind = "503", count = 2 }, cancellationToken);

        var intent = (await PayAsync(simulator, "stripe", cancellationToken)).Json.At("id").GetString();
        Assert.Equal(503, (await simulator.StripeAsync($"/v1/payment_intents/{intent}", null, cancellationToken)).Status);
        var listed = JsonDocument.Parse(await simulator.Http.GetStringAsync(new Uri("/faults", UriKind.Relative), cancellationToken)).RootElement.At("faults")[0];
        Assert.Equal((1, 1), (listed.At("remaining").GetInt32(), listed.At("struck").GetInt32()));
        Assert.Equal(503, (await simulator.StripeAsync($"/v1/payment_intents/{intent}", null, cancellationToken)).Status);
        Assert.Equal(200, (await simulator.StripeAsync($"/v1/payment_intents/{intent}", null, cancellationToken)).Status);

        // What is over and what was cleared stays in the totals.
        using var cleared = await simulator.Http.DeleteAsync(new Uri("/faults", UriKind.Relative), cancellationToken);
        var struck = JsonDocument.Parse(await simulator.Http.GetStringAsync(new Uri("/faults", UriKind.Relative), cancellationToken)).RootElement.At("struck");
        Assert.Equal([("503", 2)], struck.EnumerateObject().Select(k => (k.Name, k.Value.GetInt32())));
    }

    [Theory]
    [InlineData("""{"provider":"paypal","operation":"any","kind":"delay"}""", "provider")]
    [InlineData("""{"provider":"stripe","operation":"charge","kind":"delay"}""", "operation")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"slow"}""", "kind")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"delay","colour":"red"}""", "colour")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"delay","count":0}""", "count")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"delay","count":"1"}""", "count")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"delay","probability":1.5}""", "probability")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"delay","probability":0.5,"count":1}""", "not both")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"delay","delay_ms":-1}""", "delay_ms")]
    [InlineData("""{"provider":"stripe","operation":"capture","kind":"webhook_lost"}""", "webhook")]
    [InlineData("""{"provider":"stripe","operation":"webhook","kind":"503"}""", "webhook")]
    [InlineData("""{"provider":"stripe","operation":"any","kind":"503","executed":true}""", "executed")]
    [InlineData("""{"operation":"any","kind":"delay"}""", "provider")]
    [InlineData("""nonsense""", "")]
    public async Task A_wrong_fault_is_refused_with_a_reason(string body, string mentions)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await simulator.Http.PostAsync(new Uri("/faults", UriKind.Relative), content, cancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(mentions, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)).RootElement.At("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, JsonDocument.Parse(await simulator.Http.GetStringAsync(new Uri("/faults", UriKind.Relative), cancellationToken)).RootElement.At("faults").GetArrayLength());
    }

    [Fact]
    public async Task Settings_change_at_run_time_and_wrong_ones_are_refused()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var simulator = await RunningSimulator.StartAsync(cancellationToken);
        var changed = await PutAsync("""{"latency_median_milliseconds":12.5,"stripe_webhook_url":"http://127.0.0.1:9/hook"}""");
        Assert.Equal(HttpStatusCode.OK, changed.Status);
        Assert.Equal(12.5, changed.Json.At("latency_median_milliseconds").GetDouble());
        Assert.Equal("http://127.0.0.1:9/hook", changed.Json.At("stripe_webhook_url").GetString());
        Assert.Equal(HttpStatusCode.BadRequest, (await PutAsync("""{"latency_median_milliseconds":-1}""")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PutAsync("""{"adyen_webhook_url":"ftp://x"}""")).Status);
        Assert.Equal(JsonValueKind.Null, (await PutAsync("""{"stripe_webhook_url":""}""")).Json.At("stripe_webhook_url").ValueKind);

        async Task<(HttpStatusCode Status, JsonElement Json)> PutAsync(string body)
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await simulator.Http.PutAsync(new Uri("/settings", UriKind.Relative), content, cancellationToken);
            return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)).RootElement);
        }
    }

    private static Task<Reply> PayAsync(RunningSimulator simulator, string provider, CancellationToken cancellationToken) =>
        provider == "stripe" ? simulator.SaleAsync(cancellationToken, "key") : simulator.PaymentAsync(cancellationToken, "key");
}
