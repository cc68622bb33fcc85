using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Tests.Architecture;
using Xunit;

namespace Payments.Tests.Http;

/// <summary><c>docs/api.md</c> says what the code says.</summary>
public sealed partial class ApiPageTests
{
    // Of the services among themselves, or decided by our own clock: no caller of the API meets them.
    private static readonly string[] Internal = ["partition_not_found", "payment_not_pending_3ds", "payment_not_unresolved", "booking_conflict", "id_too_old", "payout_amount_differs"];

    // Made of the operation's name.
    private static readonly (string Code, int Status)[] Composed = [("capture_failed", 422), ("void_failed", 422)];

    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "api.md"));

    [Fact]
    public void The_table_of_currencies_repeats_the_limits()
    {
        var wanted = Currency.All.Select(c => string.Create(CultureInfo.InvariantCulture, $"| `{c.Code}` | {c.Exponent} | {StepOf(c)} | 1 | {c.LargestPayment} |")).ToList();
        var rows = Page.Split('\n').Where(l => CurrencyRow().IsMatch(l)).ToList();
        Assert.Equal(wanted, rows);

        static string StepOf(Currency currency) => string.Join("; ", Enum.GetValues<Provider>()
            .Select(p => (Provider: p, Step: AmountSteps.Of(p, currency))).Where(p => p.Step != 1).Select(p => $"{p.Provider} {p.Step}").Prepend("1"));
    }

    [Fact]
    public void The_table_of_rate_limits_repeats_the_defaults()
    {
        var defaults = new RateLimitOptions();
        Assert.Equal(
            [
                (defaults.SecretPerSecond, defaults.SecretPerSecond * defaults.BurstSeconds, nameof(defaults.SecretPerSecond)),
                (defaults.PublishablePerSecond, defaults.PublishablePerSecond * defaults.BurstSeconds, nameof(defaults.PublishablePerSecond)),
                (defaults.OperatorPerSecond, defaults.OperatorPerSecond * defaults.BurstSeconds, nameof(defaults.OperatorPerSecond)),
            ],
            RateRow().Matches(Page).Select(m => (Number(m.Groups[1].Value), Number(m.Groups[2].Value), m.Groups[3].Value)));
        Assert.Contains($"`Payments:RateLimits:BurstSeconds`, {defaults.BurstSeconds},", Page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_limits_of_requests_are_those_of_the_code()
    {
        foreach (var row in (string[])
            [
                $"| body | {BodyLimit.Default.Bytes} bytes |", $"| nesting | {RequestBody.MaxDepth} levels |",
                $"`limit` is 1 to {RequestQuery.LargestLimit}, {RequestQuery.DefaultLimit} unless given", $"1 to {IdempotencyKey.Longest} printable ASCII characters",
                $"A key is kept for {IdempotentRequests.Retention.TotalHours} hours", $"within {RequestSignature.Window.TotalSeconds} s of our clock",
            ])
        {
            Assert.Contains(row, Page, StringComparison.Ordinal);
        }
    }

    /// <summary>Every problem that the services name in their sources, against the table: none is missing, none is made up.</summary>
    [Fact]
    public void The_table_of_problems_names_every_code_with_its_status()
    {
        var found = Sources().SelectMany(CodesIn).Concat(Composed).Where(c => !Internal.Contains(c.Code)).ToHashSet();
        var rows = ProblemRow().Matches(Page).Select(m => (Code: m.Groups[1].Value, Status: Number(m.Groups[2].Value))).ToList();
        Assert.True(found.Count > 80, $"Only {found.Count} codes were found in the sources.");
        Assert.Equal([], found.Except(rows));
        Assert.Equal([], rows.Except(found));
        Assert.Equal(rows.Count, rows.Distinct().Count());
    }

    [Fact]
    public async Task The_example_of_a_signature_gives_what_stands_below_it()
    {
        var script = Block("```bash signing\n");
        var start = new ProcessStartInfo("/bin/bash", ["-euo", "pipefail", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var bash = Process.Start(start)!;
        var printed = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var complaints = await bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(bash.ExitCode == 0, complaints);
        Assert.Equal(Block("```text signature\n"), printed);
    }

    /// <summary>What the example signs, signed by the code that checks signatures.</summary>
    [Fact]
    public void The_example_of_a_signature_is_one_that_is_accepted()
    {
        var given = Assignment().Matches(Block("```bash signing\n")).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        var signature = RequestSignature.Of(given["secret"], "POST", "/v1/payments", given["timestamp"], given["key"], System.Text.Encoding.UTF8.GetBytes(given["body"]));
        Assert.Equal(Block("```text signature\n").Trim(), signature);
    }

    private static IEnumerable<string> Sources() =>
        new[] { "Payments.Api", "Payments.Platform", "Payments.Vault", "Payments.Webhooks", "Payments.Ledger", "Payments.Fraud", "Payments.Reconciliation", "Payments.Core" }
            .SelectMany(p => Repository.Files(Path.Combine("src", p), "*.cs")).Select(File.ReadAllText);

    private static IEnumerable<(string Code, int Status)> CodesIn(string source) =>
        Literal().Matches(source).Select(m => (m.Groups[2].Value, Number(m.Groups[1].Value)))
            .Concat(Missing().Matches(source).Select(m => (m.Groups[1].Value + "_not_found", 404)))
            .Concat(Decided().Matches(source).Select(m => (m.Groups[2].Value, m.Groups[1].Value == "WrongState" ? 409 : 422)));

    private static string Block(string fence)
    {
        var from = Page.IndexOf(fence, StringComparison.Ordinal) + fence.Length;
        return Page[from..Page.IndexOf("```", from, StringComparison.Ordinal)];
    }

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\| `[A-Z]{3}` \|")]
    private static partial Regex CurrencyRow();

    [GeneratedRegex(@"^\| [a-z']+ \| (\d+) \| (\d+) \| `Payments:RateLimits:(\w+)` \|$", RegexOptions.Multiline)]
    private static partial Regex RateRow();

    [GeneratedRegex(@"^\| [a-z ]+ \| `([a-z0-9_]+)` \| (\d{3}) \|", RegexOptions.Multiline)]
    private static partial Regex ProblemRow();

    [GeneratedRegex(@"^(\w+)='(.*)'$", RegexOptions.Multiline)]
    private static partial Regex Assignment();

    [GeneratedRegex("""\(\s*(?:StatusCodes\.Status)?([45]\d\d)\w*,\s*"([a-z0-9_]+)"[,)]""")]
    private static partial Regex Literal();

    [GeneratedRegex("""Problems\.NotFound\("([a-z_]+)"[,)]""")]
    private static partial Regex Missing();

    [GeneratedRegex("""\b(WrongState|NotSupported|TooLarge)\(\s*"([a-z0-9_]+)",""")]
    private static partial Regex Decided();
}
