using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Payments.EndToEndTests;

[Collection(Checkout.Name)]
public sealed partial class RunScriptTests(Checkout checkout)
{
    private const int SigInt = 2;
    private const int SigTerm = 15;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fresh_start_makes_a_payment_through_each_provider_and_stops_without_a_trace()
    {
        await using var product = await RunningProduct.StartAsync(checkout, checkout.NewDataDirectory(), Cancel);
        product.MustBeReady();

        Assert.Matches(@"^READY after \d+\.\d s: http://127\.0\.0\.1:\d+ ", product.LastLine!);
        foreach (var provider in (string[])["stripe", "adyen"])
        {
            Assert.Matches($@"Payment pay_\w+: \d+\.\d\d \w+ captured at {provider}", product.Output);
        }

        Assert.Equal(2, VerifiedWebhook().Count(product.Output));
        Assert.Contains("payment.captured", product.Output, StringComparison.Ordinal);
        Assert.Contains("commission", product.Output, StringComparison.Ordinal); // a ledger line
        Assert.Contains("The trial balance is zero", product.Output, StringComparison.Ordinal);
        await ThePrintedLinesPayAsync(product);
        await RunFileIsCompleteAsync(product);
        await Rush.ManyAtOnceMoveMoneyOnceAsync(product, Cancel);

        await product.StopAsync(SigTerm, Cancel);

        Assert.Equal(0, product.ExitCode);
        Assert.Empty(product.Everything());
        Assert.False(File.Exists(Path.Combine(product.Data, "run.json")));
    }

    [Theory]
    [InlineData(false, SigInt)]
    [InlineData(true, SigTerm)]
    public async Task After_a_kill_and_after_a_clean_stop_the_next_start_has_the_same_data_and_the_books_balance(bool serversSurvive, int signal)
    {
        var data = checkout.NewDataDirectory();
        await using var product = await RunningProduct.StartAsync(checkout, data, Cancel);
        product.MustBeReady();
        var run = product.Run;
        var payments = await PaymentsAsync(product);
        Assert.Equal(2, payments.GetArrayLength());
        // At once and without warning; the servers that live on are found by the next start.
        await product.KillAsync(Cancel, serversSurvive ? ["postgres", "redis-server"] : []);

        await using var afterKill = await RunningProduct.StartAsync(checkout, data, Cancel, "--no-demo");
        await GoesOnAsync(afterKill, run, payments);
        Assert.Empty(product.Descendants()); // what was left of the killed run is gone
        await afterKill.StopAsync(signal, Cancel);
        Assert.Equal(0, afterKill.ExitCode);
        Assert.Empty(afterKill.Everything());

        await using var afterStop = await RunningProduct.StartAsync(checkout, data, Cancel, "--no-demo");
        await GoesOnAsync(afterStop, run, payments);
    }

    [Fact]
    public async Task A_second_start_on_the_same_data_and_one_on_occupied_ports_say_so()
    {
        await using var first = await RunningProduct.StartAsync(checkout, checkout.NewDataDirectory(), Cancel, "--no-demo");
        first.MustBeReady();

        await using var sameData = await RunningProduct.StartAsync(checkout, checkout.NewDataDirectory(), Cancel, "--no-demo", $"--data={first.Data}");
        Assert.Equal(1, sameData.ExitCode);
        Assert.Contains($"already runs on {first.Data}", sameData.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", sameData.Output, StringComparison.Ordinal); // a message, no stack trace

        await using var samePorts = await RunningProduct.StartAsync(checkout, checkout.NewDataDirectory(), Cancel, "--no-demo", $"--port={first.Port}");
        Assert.Equal(1, samePorts.ExitCode);
        Assert.Matches(@"Port \d+, wanted for \w+, is in use", samePorts.Output);
        Assert.DoesNotContain("   at ", samePorts.Output, StringComparison.Ordinal);

        Assert.True(File.Exists(Path.Combine(first.Data, "run.json"))); // the one that runs is undisturbed
        using var client = first.Client("api", "secret_key");
        await RunningProduct.SendAsync(client, HttpMethod.Get, "/v1/payments", null, Cancel);
    }

    [Fact]
    public async Task Help_names_every_option()
    {
        var (exitCode, output, error) = await ScriptAsync("--help");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.All(["--data DIR", "--port N", "--no-demo", "--dashboard", "--help"], option => Assert.Contains($"\n  {option} ", output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--nonsense", "Unknown option --nonsense; see ./run.sh --help")]
    [InlineData("--no-demo=yes", "Unknown option --no-demo=yes; see ./run.sh --help")]
    [InlineData("demo", "Unknown option demo; see ./run.sh --help")]
    [InlineData("--data", "--data needs a directory")]
    [InlineData("--data=", "--data needs a directory")]
    [InlineData("--port", "--port needs a number")]
    [InlineData("--port=http", "--port needs a number, not 'http'")]
    [InlineData("--port=65501", "--port must be between 1 and 65500")]
    public async Task What_is_no_option_is_refused_before_anything_begins(string option, string told)
    {
        var (exitCode, output, error) = await ScriptAsync(option);
        Assert.Equal((2, "", told), (exitCode, output, error.TrimEnd()));
    }

    /// <summary>A start that ends by itself.</summary>
    private async Task<(int ExitCode, string Output, string Error)> ScriptAsync(params string[] options)
    {
        using var script = Process.Start(new ProcessStartInfo(Path.Combine(checkout.Root, "run.sh"), options) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = script.StandardError.ReadToEndAsync(Cancel);
        var output = await script.StandardOutput.ReadToEndAsync(Cancel);
        await script.WaitForExitAsync(Cancel);
        return (script.ExitCode, output, await error);
    }

    /// <summary>A later start on the same data: nothing is built, and keys, payments and books are those of before.</summary>
    private static async Task GoesOnAsync(RunningProduct product, JsonElement run, JsonElement payments)
    {
        product.MustBeReady();
        Assert.DoesNotContain("Building", product.Output, StringComparison.Ordinal);
        Assert.Equal(payments.GetRawText(), (await PaymentsAsync(product)).GetRawText());
        foreach (var key in (string[])["merchant_id", "secret_key", "publishable_key", "operator_key"])
        {
            Assert.Equal(run.GetProperty(key).GetString(), product.Run.GetProperty(key).GetString());
        }

        await BooksBalanceAsync(product);
        await ProviderBooksAgreeAsync(product, payments);
    }

    /// <summary>What a newcomer copies from the terminal into a shell.</summary>
    private static async Task ThePrintedLinesPayAsync(RunningProduct product)
    {
        var lines = product.Output.Split('\n').SkipWhile(line => line != "Try:").Skip(1).TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal));
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", string.Join('\n', lines)]) { RedirectStandardOutput = true })!;
        var answer = await shell.StandardOutput.ReadToEndAsync(Cancel);
        await shell.WaitForExitAsync(Cancel);
        Assert.Contains("\"status\":\"captured\"", answer, StringComparison.Ordinal);
    }

    private static async Task RunFileIsCompleteAsync(RunningProduct product)
    {
        var run = product.Run;
        using var client = new HttpClient();
        foreach (var origin in new[] { run.GetProperty("api"), run.GetProperty("vault"), run.GetProperty("simulators").GetProperty("base"), run.GetProperty("simulators").GetProperty("stripe") })
        {
            using var health = await client.GetAsync(new Uri(new Uri(origin.GetString()!), "/health"), Cancel);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }

        // Adyen's origin is HTTPS, trusted by whoever trusts the simulators' own authority.
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(product.Data, "simulators", "ca.pem"));
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck };
        using var trusting = new HttpClient(handler);
        var adyen = run.GetProperty("simulators").GetProperty("adyen").GetString()!;
        Assert.StartsWith("https://", adyen, StringComparison.Ordinal);
        using var adyenHealth = await trusting.GetAsync(new Uri(new Uri(adyen), "/health"), Cancel);
        Assert.Equal(HttpStatusCode.OK, adyenHealth.StatusCode);

        Assert.StartsWith("mer_", run.GetProperty("merchant_id").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("sk_test_", run.GetProperty("secret_key").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("pk_test_", run.GetProperty("publishable_key").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("ok_", run.GetProperty("operator_key").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, run.GetProperty("console").ValueKind);
        Assert.Equal(JsonValueKind.Null, run.GetProperty("dashboard").ValueKind);
        Assert.Contains(product.Descendants(), p => p.Pid == run.GetProperty("pid").GetInt32());
        foreach (var name in (string[])["payments", "vault", "ledger", "fraud", "webhooks", "redis", "kafka"])
        {
            Assert.NotEmpty(run.GetProperty("connection_strings").GetProperty(name).GetString()!);
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(product.Data, "run.json")));
    }

    private static async Task<JsonElement> PaymentsAsync(RunningProduct product)
    {
        using var client = product.Client("api", "secret_key");
        return (await RunningProduct.SendAsync(client, HttpMethod.Get, "/v1/payments?limit=100", null, Cancel)).GetProperty("data");
    }

    private static async Task BooksBalanceAsync(RunningProduct product)
    {
        using var operators = product.Client("api", "operator_key");
        var rows = (await RunningProduct.SendAsync(operators, HttpMethod.Get, "/ops/v1/ledger/trial_balance", null, Cancel)).GetProperty("data").EnumerateArray().ToArray();
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Equal(0, row.GetProperty("difference").GetInt64()));
        Assert.All(rows, row => Assert.NotEqual(0, row.GetProperty("debits").GetInt64()));
    }

    /// <summary>What the providers say they took is what we say they took.</summary>
    private static async Task ProviderBooksAgreeAsync(RunningProduct product, JsonElement payments)
    {
        using var client = new HttpClient { BaseAddress = new Uri(product.Run.GetProperty("simulators").GetProperty("base").GetString()!) };
        foreach (var payment in payments.EnumerateArray())
        {
            var books = await client.GetStringAsync(new Uri("/books/" + payment.GetProperty("provider").GetString(), UriKind.Relative), Cancel);
            Assert.Contains(payment.GetProperty("provider_reference").GetString()!, books, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex("Webhook payment.captured received and its signature verified")]
    private static partial Regex VerifiedWebhook();
}
