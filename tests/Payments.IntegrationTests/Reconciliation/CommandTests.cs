using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Payments.Reconciliation;
using Payments.Reconciliation.Commands;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary><c>recon import|match|report|explain|close|verify</c>: what they do, what they say, and how they end.</summary>
public sealed class CommandTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_day_goes_through_the_commands_from_its_files_to_its_closing()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        var (report, bank) = (database.Write("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_003, 30, 0))), database.Write("bank.sta", Bank("1", (2, 14_943, "STRIPE PAYOUT po_0"))));

        var (code, imported, _) = await RunAsync(database, "import", report, bank);
        Assert.Equal((0, 2), (code, imported.Split("\"state\": \"complete\"").Length - 1));
        (code, imported, _) = await RunAsync(database, "import", report);
        Assert.Equal((0, true), (code, imported.Contains("\"is_new\": false", StringComparison.Ordinal)));

        (code, var matched, var progress) = await RunAsync(database, "match", "--mode", "test");
        Assert.Equal(0, code);
        Assert.Equal(2, JsonDocument.Parse(matched).RootElement.GetProperty("days").GetInt32());
        Assert.Contains("test provider stripe 2026-03-10", progress, StringComparison.Ordinal);

        (code, var csv, _) = await RunAsync(database, "report", "2026-03-10", "--provider", "stripe", "--leg", "provider", "--as", "csv");
        Assert.Equal(0, code);
        Assert.Contains("test,provider,stripe,2026-03-10,no,USD,amount_mismatch,1,-0.03", csv, StringComparison.Ordinal);
        Assert.Contains("<h1>Reconciliation of stripe", (await RunAsync(database, "report", "--as", "html")).Output, StringComparison.Ordinal);

        (code, var closed, _) = await RunAsync(database, "close", "2026-03-10", "--provider", "stripe");
        Assert.Equal((0, "now"), (code, closed.Trim()));
        Assert.Equal((0, "closed"), await RunAsync(database, "close", "2026-03-10", "--provider", "stripe") is var again ? (again.Code, again.Output.Trim()) : default);
        Assert.Equal((1, "no_statement"), await RunAsync(database, "close", "2026-03-11", "--provider", "stripe") is var early ? (early.Code, early.Output.Trim()) : default);
        Assert.Contains("\"closed\": true", (await RunAsync(database, "report", "2026-03-10", "--leg", "provider")).Output, StringComparison.Ordinal);

        (code, var verified, progress) = await RunAsync(database, "verify");
        Assert.Equal((0, true, "1/1 test provider stripe 2026-03-10"), (code, verified.Contains("\"intact\": true", StringComparison.Ordinal), progress.Trim()));
        await database.ExecuteAsync("UPDATE recon.lines SET reference = 'another' WHERE leg = 'provider' AND gross = 10000");
        (code, verified, _) = await RunAsync(database, "verify");
        Assert.Equal((1, true), (code, verified.Contains("Its days are not what was hashed.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_is_set_aside_of_a_file_is_told_line_by_line_up_to_a_bound_and_the_rest_by_the_endpoint()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var file = database.Write("stripe.csv", Report([.. Enumerable.Range(1, 30).Select(i => (i, 100L * i, 0L, 0))]).Replace("usd,2", "usd,x2", StringComparison.Ordinal).Replace("usd,1", "usd,x1", StringComparison.Ordinal));
        var (code, _, told) = await RunAsync(database, "import", file);
        var lines = told.Split(Environment.NewLine).Where(l => l.Contains("set aside", StringComparison.Ordinal)).ToList();
        Assert.Equal((0, 21), (code, lines.Count));
        Assert.Equal($"{file}: line 2 set aside: gross is no amount", lines[0]);
        Assert.Equal($"{file}: 2 more lines set aside: GET /ops/v1/reconciliation/imports/1/quarantine", lines[^1]);

        await using var host = await ReconciliationHost.StartAsync(database, BookingLedger.Nowhere);
        var (read, cursor) = (new List<long>(), "");
        do
        {
            var (_, page) = await host.AskAsync(HttpMethod.Get, $"imports/1/quarantine?limit=9{cursor}");
            read.AddRange(page.GetProperty("data").EnumerateArray().Select(l => l.GetProperty("line").GetInt64()));
            cursor = page.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : "";
        }
        while (cursor.Length > 0);
        Assert.Equal(await database.RowsAsync("SELECT line FROM recon.quarantine ORDER BY line"), read.Select(l => $"{l}"));
        Assert.Equal(22, read.Count);
        foreach (var unknown in new[] { "2", "one", "-1", "99999999999999999999" })
        {
            Assert.Equal(System.Net.HttpStatusCode.NotFound, (await host.AskAsync(HttpMethod.Get, $"imports/{unknown}/quarantine")).Status);
        }
    }

    [Fact]
    public async Task A_day_is_reported_however_many_there_are_after_it()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0)));
        await database.MatchAsync();
        await database.ExecuteAsync("""
            INSERT INTO recon.books (mode, leg, provider) VALUES ('live', 'bank', 'other');
            INSERT INTO recon.days (mode, leg, provider, day, dirty) SELECT 'live', 'bank', 'other', date '2030-01-01' + n, false FROM generate_series(1, 10000) n
            """);

        Assert.Contains("test,provider,stripe,2026-03-10,no,USD,ours,1,", (await RunAsync(database, "report", "2026-03-10", "--leg", "provider", "--as", "csv")).Output, StringComparison.Ordinal);
        var all = (await RunAsync(database, "report", "--as", "csv")).Output;
        Assert.StartsWith("mode,leg,provider,day,closed,currency,row,count,amount\r\ntest,provider,stripe,2026-03-10", all, StringComparison.Ordinal);
        Assert.Equal("", (await RunAsync(database, "report", "2026-03-09")).Output);
    }

    [Fact]
    public async Task A_payment_is_explained_over_all_records()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000), Item(3, 700)]);
        await RunAsync(database, "import", database.Write("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_003, 30, 0))), database.Write("bank.sta", Bank("1", (2, 14_943, "STRIPE PAYOUT po_0"))));
        await RunAsync(database, "match");

        var story = JsonDocument.Parse((await RunAsync(database, "explain", Payment(1).ToString(), "--as", "json")).Output).RootElement.GetProperty("items")[0];
        var line = story.GetProperty("lines")[0];
        Assert.Equal(("matched", 0L), (story.GetProperty("class").GetString(), story.GetProperty("difference").GetInt64()));
        Assert.Equal(("stripe.csv", 2L, "po_0", "matched"), (line.GetProperty("file").GetString(), line.GetProperty("line").GetInt64(), line.GetProperty("batch").GetString(), line.GetProperty("bank_class").GetString()));
        Assert.Equal((14_943L, "bank.sta"), (line.GetProperty("bank").GetProperty("net").GetInt64(), line.GetProperty("bank").GetProperty("file").GetString()));

        var wrong = JsonDocument.Parse((await RunAsync(database, "explain", Payment(2).ToString(), "--as", "json")).Output).RootElement.GetProperty("items")[0];
        Assert.Equal(("amount_mismatch", -3L), (wrong.GetProperty("class").GetString(), wrong.GetProperty("difference").GetInt64()));
        Assert.StartsWith("rbk_", wrong.GetProperty("break").GetString(), StringComparison.Ordinal);
        var late = JsonDocument.Parse((await RunAsync(database, "explain", Payment(3).ToString(), "--as", "json")).Output).RootElement.GetProperty("items")[0];
        Assert.Equal(("timing", 0), (late.GetProperty("class").GetString(), late.GetProperty("lines").GetArrayLength()));

        var (code, _, told) = await RunAsync(database, "explain", Payment(9).ToString());
        Assert.Equal((1, "No provider is expected to have this payment, and whether the ledger has it cannot be said: it does not answer."), (code, told.Trim()));

        // In sentences, and without the ledger that does not run here.
        var told1 = (await RunAsync(database, "explain", Payment(1).ToString())).Output;
        Assert.Contains("stripe's report stripe.csv, line 2, has 100.00 USD less 0.30 USD", told1, StringComparison.Ordinal);
        Assert.Contains("Of it 99.70 USD came to our bank.", told1, StringComparison.Ordinal);
        Assert.Contains("The ledger does not answer: what it has of the payment is not told here.", told1, StringComparison.Ordinal);
        Assert.EndsWith("No difference is open.", told1.TrimEnd(), StringComparison.Ordinal);
        Assert.Matches(@"Open: break rbk_\w+ \(amount_mismatch, -0\.03 USD\)\.", (await RunAsync(database, "explain", Payment(2).ToString())).Output);
        Assert.EndsWith("may still come.", (await RunAsync(database, "explain", Payment(3).ToString())).Output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_refused_ends_with_1_and_a_command_that_is_not_understood_with_2()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (code, output, _) = await RunAsync(database, "import", database.Write("nothing.csv", "a,b\n1,2\n"));
        Assert.Equal(1, code);
        Assert.Contains("\"reason\": \"the file is no statement that is known\"", output, StringComparison.Ordinal);
        foreach (var wrong in new[] { "import", "match x", "close", "close 2026-03-10", "close tomorrow --provider stripe", "report --mode prod", "explain", "explain pay_1", "report --as", "report yesterday", "match --mode", "report --leg none", "match --mode test --mode live" })
        {
            var (refused, _, told) = await RunAsync(database, wrong.Split(' '));
            Assert.True(refused == 2 && told.Contains(ReconCommand.Usage, StringComparison.Ordinal), $"{wrong}: {refused} {told}");
        }

        Assert.Equal(0, (await RunAsync(database, "--help")).Code);
    }

    private static async Task<(int Code, string Output, string Told)> RunAsync(ReconciliationDatabase database, params string[] arguments)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:reconciliation"] = database.ConnectionString, ["Payments:Reconciliation:ClosingKey"] = ReconciliationDatabase.ClosingKey });
        builder.AddReconciliationTools();
        await using var tools = builder.Build();
        await using var output = new StringWriter();
        await using var told = new StringWriter();
        var code = await ReconCommand.RunAsync(arguments, tools.Services, output, TextWriter.Synchronized(told), Cancel);
        return (code, output.ToString(), told.ToString());
    }
}
