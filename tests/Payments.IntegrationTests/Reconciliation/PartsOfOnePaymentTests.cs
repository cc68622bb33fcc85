using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A payment that is captured in parts: they share their reference, and only the first has the fixed part of the fee.</summary>
public sealed class PartsOfOnePaymentTests(EmbeddedServers servers)
{
    private const string Entries = "SELECT class, sum(amount), count(*) FROM recon.entries WHERE leg = 'provider' GROUP BY class ORDER BY class";

    // items and lines as gross, fee, day; the classes that they end in
    [Theory]
    [InlineData("100,30,0 100,5,0", "100,5,0 100,30,0", "matched|0|2")]
    [InlineData("100,30,0 100,5,0 100,5,0", "100,5,0 100,5,0 100,30,0", "matched|0|3")]
    [InlineData("100,30,0 50,5,0", "100,10,0 50,25,0", "matched|0|4")]
    [InlineData("100,30,0 100,5,0", "100,5,0 100,31,0", "fee_difference|1|1 matched|0|1")]
    [InlineData("100,30,0 100,5,1", "100,5,1 100,30,1", "matched|0|2 timing|70|1")]
    [InlineData("100,30,0 50,5,0", "150,35,0", "matched|0|3")]
    [InlineData("100,30,0 50,5,0", "150,36,0", "fee_difference|1|3")]
    public async Task Parts_are_bound_to_those_that_agree_in_fee_and_agree_as_a_whole_where_fees_are_shared_otherwise(string ours, string theirs, string classes)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (items, lines) = (Rows(ours), Rows(theirs));
        await database.AddAsync([.. items.Select((i, n) => Item(n + 1, i.Gross, i.Fee, i.Day) with { Reference = "pi_1", Alternative = "pi_1" })]);
        await database.ImportAsync("stripe.csv", Report([.. lines.Select(l => (1, (long)l.Gross, (long)l.Fee, l.Day))]));
        await database.MatchAsync();

        Assert.Equal(classes.Split(' '), await database.RowsAsync(Entries));
    }

    private static (int Gross, int Fee, int Day)[] Rows(string text) =>
        [.. text.Split(' ').Select(r => r.Split(',').Select(n => int.Parse(n, System.Globalization.CultureInfo.InvariantCulture)).ToArray()).Select(n => (n[0], n[1], n[2]))];
}
