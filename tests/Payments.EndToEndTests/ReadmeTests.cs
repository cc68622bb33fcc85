using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace Payments.EndToEndTests;

/// <summary>The README's tour, run as it stands there.</summary>
[Collection(Checkout.Name)]
public sealed partial class ReadmeTests(Checkout checkout)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_tour_of_the_readme_works_when_copied()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(checkout.Root, "README.md"), Cancel);
        var blocks = TourBlock().Matches(readme).Select(m => m.Groups[1].Value).ToArray();
        Assert.True(blocks.Length >= 8, $"The README has {blocks.Length} blocks of the tour.");
        await using var product = await RunningProduct.StartAsync(checkout, checkout.NewDataDirectory(), Cancel, "--no-demo");
        product.MustBeReady();

        var (exitCode, output) = await BashAsync("command -v jq >/dev/null || eng/install.sh jq\n" + string.Join('\n', blocks), product.Data);

        Assert.True(exitCode == 0, output);
        foreach (var expected in (string[])
            [
                "\"status\":\"captured\",\"amount_captured\":4000|\"status\":\"capturing\"", // a provider may take its time
                "\"amount\":1000",
                "\"status\":\"declined\"",
                "\"insufficient_funds\"",
                "\"status\":400,\"code\":\"\\w+\",\"param\":\"amount\"",
                "\"type\":\"payment.captured\"",
                "\"difference\":0",
            ])
        {
            Assert.Matches(expected, output);
        }
    }

    [Fact]
    public async Task The_tour_says_what_to_do_where_nothing_runs()
    {
        var (exitCode, output) = await BashAsync("eval \"$(eng/env.sh)\"", checkout.NewDataDirectory());
        Assert.NotEqual(0, exitCode);
        Assert.Contains("start ./run.sh first", output, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Output)> BashAsync(string script, string data)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-euo", "pipefail", "-c", "exec 2>&1\n" + script]) { WorkingDirectory = checkout.Root, RedirectStandardOutput = true };
        start.Environment["PAYMENTS_DATA"] = data;
        using var bash = Process.Start(start)!;
        var output = await bash.StandardOutput.ReadToEndAsync(Cancel);
        await bash.WaitForExitAsync(Cancel);
        return (bash.ExitCode, output);
    }

    [GeneratedRegex("```bash tour\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex TourBlock();
}
