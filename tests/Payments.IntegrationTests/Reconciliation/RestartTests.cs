using System.Globalization;
using Payments.Reconciliation;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Imports, comparisons and closings whose process is killed at each named step: whoever repeats the commands gets the same, to the byte.</summary>
public sealed class RestartTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_process_killed_at_every_named_step_leaves_what_a_repetition_completes_to_the_same_bytes()
    {
        var books = new RandomBooks(new Random(7).Next, 60);
        var expected = await RunAsync(books, []);
        Assert.Contains("entries", expected, StringComparison.Ordinal);
        Assert.Contains($"settlements{Environment.NewLine}(", expected, StringComparison.Ordinal);

        Assert.Equal(expected, await RunAsync(books, ReconciliationSteps.All));
    }

    private async Task<string> RunAsync(RandomBooks books, IReadOnlyList<string> steps)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync(books.Items);
        var (stripe, adyen) = (books.StripeReport(), books.AdyenReport());

        // The bank has a payout of each, so that something is noted of both.
        var bank = Statements.Bank("1", (6, Paid(stripe, 0, "po_USD", 7, null), "STRIPE PAYOUT po_USD"), (6, Paid(adyen, 13, "USD", 15, 14), "ADYEN N.V. BATCH 7"));
        var files = new[] { database.Write("stripe.csv", stripe), database.Write("adyen.csv", adyen), database.Write("bank.sta", bank) };
        string[][] commands = [["import", .. files], ["match"], ["close", "2026-03-11", "--provider", "stripe"]];
        var done = new HashSet<string>();
        Assert.Equal(0, await ReconProcess.RunAsync(database, commands[0], null));
        foreach (var step in steps)
        {
            var verb = step.Split('.')[1] switch { "settle" => "match", var named => named };
            var command = commands.Single(c => c[0] == verb);

            // What comes before is done whole, so that the step is reached at all.
            foreach (var earlier in commands.TakeWhile(c => c != command).Where(c => done.Add(c[0])))
            {
                Assert.Equal(0, await ReconProcess.RunAsync(database, earlier, null));
            }

            if (verb == "import")
            {
                // Each step of an import is met by a file that is new.
                command = ["import", database.Write(step + ".csv", Extra(step))];
                commands[0] = [.. commands[0], command[1]];
            }
            else if (verb == "match")
            {
                await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
            }

            Assert.NotEqual(0, await ReconProcess.RunAsync(database, command, step));
        }

        if (steps.Count == 0)
        {
            commands[0] = [.. commands[0], .. ReconciliationSteps.All.Where(s => s.StartsWith("recon.import", StringComparison.Ordinal)).Select(s => database.Write(s + ".csv", Extra(s)))];
        }

        foreach (var command in commands)
        {
            Assert.Equal(0, await ReconProcess.RunAsync(database, command, null));
        }

        return await database.DumpAsync();
    }

    /// <summary>What the report pays out, in cents.</summary>
    private static long Paid(string report, int column, string of, int credit, int? debit) => report.Split('\n').Select(l => l.Split(',')).Where(f => f.Length > column && f[column] == of)
        .Sum(f => Cents(f[credit]) - (debit is { } place ? Cents(f[place]) : 0));

    private static long Cents(string amount) => amount.Length == 0 ? 0 : (long)(decimal.Parse(amount, CultureInfo.InvariantCulture) * 100);

    // A file of its own for each step, with a line that cannot be read.
    private static string Extra(string step) => $"""
        automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id
        po_{step.Replace('.', 'x')},2026-03-16 00:00:00,txn_1,2026-03-12 00:00:00,usd,1.00,0.00,1.00,charge,ch_{step}
        po_{step.Replace('.', 'x')},2026-03-16 00:00:00,txn_2,2026-03-12 00:00:00,usd,abc,0.00,1.00,charge,ch_{step}2
        """;
}
