using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace Payments.EndToEndTests;

[Collection(Checkout.Name)]
public sealed class DashboardTests(Checkout checkout)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(240);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_payment_is_one_trace_in_the_dashboard_from_the_request_to_the_ledger()
    {
        await using var product = await RunningProduct.StartAsync(checkout, checkout.NewDataDirectory(), Cancel, "--no-demo", "--dashboard");
        product.MustBeReady();
        using var dashboard = product.Client("dashboard", null);

        var trace = ActivityTraceId.CreateRandom().ToHexString();
        await PayAsync(product, $"00-{trace}-{ActivitySpanId.CreateRandom().ToHexString()}-01");

        var spans = await SpansAsync(dashboard, trace, IsComplete);
        Assert.True(IsComplete(spans), "The trace lacks " + string.Join(", ", Missing(spans)) + ". It has:\n" + string.Join('\n', spans));
        Assert.Contains(spans, s => s.Name == "POST /v1/payments");

        // What a person sees: the rows of the waterfall, as a picture.
        var picture = Path.Combine(Checkout.Source, "artifacts", "tests", "dashboard-trace.png");
        Directory.CreateDirectory(Path.GetDirectoryName(picture)!);
        using var screenshot = Process.Start(new ProcessStartInfo(
            Path.Combine(checkout.Root, "eng", "dashboard-screenshot.sh"), [dashboard.BaseAddress!.AbsoluteUri, trace, picture])
        { RedirectStandardError = true })!;
        var errors = await screenshot.StandardError.ReadToEndAsync(Cancel);
        await screenshot.WaitForExitAsync(Cancel);
        Assert.True(screenshot.ExitCode == 0, errors);
        Assert.True(new FileInfo(picture).Length > 10_000);

        await product.StopAsync(15, Cancel);
        Assert.Empty(product.Everything()); // the dashboard stops with the product
    }

    private static async Task PayAsync(RunningProduct product, string traceparent)
    {
        using var shopper = product.Client("vault", "publishable_key");
        using var merchant = product.Client("api", "secret_key");
        var card = new { number = "4242424242424242", exp_month = 12, exp_year = 2034, cvc = "123" };
        var token = (await RunningProduct.SendAsync(shopper, HttpMethod.Post, "/v1/tokens", new { card }, Cancel)).GetProperty("id").GetString();
        merchant.DefaultRequestHeaders.Add("traceparent", traceparent);
        var payment = await RunningProduct.SendAsync(
            merchant, HttpMethod.Post, "/v1/payments", new { amount = 1999, currency = "USD", payment_method = new { token }, capture_method = "automatic" }, Cancel);
        Assert.StartsWith("pay_", payment.GetProperty("id").GetString(), StringComparison.Ordinal);
    }

    private static bool IsComplete(IReadOnlyList<Span> spans) => !Missing(spans).Any();

    /// <summary>What a payment passes through, by the instrumentation that tells of it.</summary>
    private static IEnumerable<string> Missing(IReadOnlyList<Span> spans)
    {
        (string What, Func<Span, bool> Is)[] stations =
        [
            ("HTTP", s => s.Scope == "Microsoft.AspNetCore"),
            ("PostgreSQL", s => s.Scope == "Npgsql"),
            ("Redis", s => s.Scope == "Payments.Redis"),
            ("the provider call", s => s.Scope == "Payments.Connectors"),
            ("sending to Kafka", s => s is { Scope: "Payments.Events", Kind: 4 }),
            ("taking from Kafka", s => s is { Scope: "Payments.Events", Kind: 5 }),
            ("posting to the ledger", s => s.Scope == "Payments.Ledger"),
        ];
        return stations.Where(station => !spans.Any(station.Is)).Select(station => station.What);
    }

    private static async Task<IReadOnlyList<Span>> SpansAsync(HttpClient dashboard, string trace, Func<IReadOnlyList<Span>, bool> isEnough)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = JsonSerializer.Deserialize<JsonElement>(await dashboard.GetStringAsync(new Uri("/api/telemetry/traces?limit=1000", UriKind.Relative), Cancel));
            Span[] spans =
            [
                .. from resource in answer.GetProperty("data").GetProperty("resourceSpans").EnumerateArray()
                   from scope in resource.GetProperty("scopeSpans").EnumerateArray()
                   from span in scope.GetProperty("spans").EnumerateArray()
                   where span.GetProperty("traceId").GetString() == trace
                   select new Span(scope.GetProperty("scope").GetProperty("name").GetString()!, span.GetProperty("name").GetString()!, span.GetProperty("kind").GetInt32()),
            ];
            if (isEnough(spans) || TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                return spans;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), Cancel);
        }
    }

    private sealed record Span(string Scope, string Name, int Kind);
}
