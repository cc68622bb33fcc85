using System.Diagnostics;
using Xunit;

namespace Payments.EndToEndTests;

/// <summary>The search that ends <c>test.sh</c>: it finds what is planted, and says where, not what.</summary>
public sealed class CardSearchTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("payments card search ").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    // text of the second line
    [Theory]
    [InlineData("Paying with 4242424242424242 now")]
    [InlineData("Paying with 5555 5555 5555 4444.")]
    [InlineData("Paying with 3782-8224-6310-005")]
    [InlineData("""body: {"card": {"cvc": "123"}}""")]
    [InlineData("""body: {\"card\": {\"cvc\":\"1234\"}}""")]
    [InlineData("security_code=123")]
    public async Task Card_data_planted_in_a_log_is_found(string line)
    {
        Directory.CreateDirectory(Path.Combine(directory, "end-to-end"));
        await File.WriteAllTextAsync(Path.Combine(directory, "end-to-end", "a product.log"), $"Listening\n{line}\n", TestContext.Current.CancellationToken);

        var (exitCode, output) = await SearchAsync(directory);

        Assert.Equal((1, $"{directory}/end-to-end/a product.log:2: card data"), (exitCode, output));
    }

    [Fact]
    public async Task Names_of_tests_and_what_only_resembles_card_data_are_left_alone()
    {
        await File.WriteAllTextAsync(
            Path.Combine(directory, "tests.log"),
            "    Payments.Tests.Cards.A_card_is_read(number: \"4242424242424242\", cvc: \"123\") [PASS]\nlast4 4242 bin 424242\ncvc_result=match, score 123\n",
            TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(directory, "report.json"), "4242424242424242", TestContext.Current.CancellationToken);

        Assert.Equal((0, ""), await SearchAsync(directory));
    }

    [Fact]
    public async Task A_search_of_nothing_fails() => Assert.Equal((2, "There is no log to search."), await SearchAsync(directory));

    private static async Task<(int ExitCode, string Output)> SearchAsync(string where)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Checkout.Source, "eng", "card-search.sh"), [where]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, (error + await output).Trim());
    }
}
