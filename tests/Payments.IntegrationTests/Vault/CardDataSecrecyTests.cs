using System.Diagnostics;
using System.Text;
using Payments.Core;
using Payments.IntegrationTests.Connectors;
using Xunit;

namespace Payments.IntegrationTests.Vault;

/// <summary>A card number or security code is nowhere but in the request: not in the database, a log line or a span.</summary>
public sealed class CardDataSecrecyTests(VaultHost vault) : IClassFixture<VaultHost>, IAsyncLifetime
{
    // Numbers and codes that occur nowhere else, so that finding one means a leak.
    private static readonly (string Number, string Cvc)[] Cards =
    [
        ("5555558421963070", "973"), ("5555557193028460", "739"), ("4242427391508264", "518"), ("4000000000000002", "640"), ("378282246310005", "8351"),
    ];

    private readonly List<string> spans = [];
    private ActivityListener? listener;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans)
                {
                    spans.Add($"{span.DisplayName} {string.Join(' ', span.TagObjects.Select(t => $"{t.Key}={t.Value}"))} {string.Join(' ', span.Events.SelectMany(e => e.Tags).Select(t => $"{t.Key}={t.Value}"))}");
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        listener?.Dispose();
        await vault.Providers.ClearFaultsAsync();
    }

    [Fact]
    public async Task No_card_data_reaches_the_database_the_logs_or_the_traces()
    {
        foreach (var (number, cvc) in Cards.Select(c => (WithCheckDigit(c.Number), c.Cvc)))
        {
            foreach (var (provider, kind) in new (Provider?, string)[] { (null, ""), (Provider.Stripe, "malformed"), (Provider.Adyen, "500"), (Provider.Stripe, "drop_after") })
            {
                if (provider is { } faulty)
                {
                    await vault.Providers.InjectAsync(faulty, "tokenize", kind, count: 1);
                }

                using var made = await vault.TokeniseAsync(VaultHost.Card(number, cvc));
                using var wrongMonth = await vault.TokeniseAsync(VaultHost.Card(number, cvc, month: 13));
                using var wrongShape = await vault.TokeniseAsync($$$"""{"card":{"number":["{{{number}}}"],"cvc":"{{{cvc}}}"} }""");
                using var broken = await vault.TokeniseAsync($$"""{"card":{"number":"{{number}}","cvc":"{{cvc}}" """);
                foreach (var answer in new[] { made, wrongMonth, wrongShape, broken })
                {
                    Assert.Empty(Leaks([await answer.Content.ReadAsStringAsync(Cancel), answer.Headers.ToString()]));
                }

                await vault.Providers.ClearFaultsAsync();
            }
        }

        var dump = await DumpAsync();
        Assert.Contains(dump, l => l.Contains("token", StringComparison.Ordinal));
        Assert.NotEmpty(vault.Logs);
        lock (spans)
        {
            Assert.Contains(spans, s => s.Contains("tokenise", StringComparison.Ordinal));
            Assert.Empty(Leaks(spans));
        }

        Assert.Empty(Leaks(dump));
        Assert.Empty(Leaks(vault.Logs));
    }

    [Fact]
    public async Task The_search_finds_a_planted_number()
    {
        var number = WithCheckDigit(Cards[0].Number);
        await using (var plant = vault.Database.CreateCommand("CREATE TABLE planted (text text, raw bytea)"))
        {
            await plant.ExecuteNonQueryAsync(Cancel);
        }

        await using (var plant = vault.Database.CreateCommand("INSERT INTO planted VALUES ($1, NULL), (NULL, $2)"))
        {
            plant.Parameters.Add(new() { Value = $"card {number}" });
            plant.Parameters.Add(new() { Value = Encoding.UTF8.GetBytes($"card {number}") });
            await plant.ExecuteNonQueryAsync(Cancel);
        }

        try
        {
            Assert.Equal(2, Leaks(await DumpAsync()).Count);
        }
        finally
        {
            await using var remove = vault.Database.CreateCommand("DROP TABLE planted");
            await remove.ExecuteNonQueryAsync(Cancel);
        }

        Assert.Single(Leaks([$"a log line with {number}"]));
        Assert.Single(Leaks(["cvc=973"]));
    }

    /// <summary>Every value of every table, texts as they are and bytes as text.</summary>
    private async Task<List<string>> DumpAsync()
    {
        var tables = new List<string>();
        await using (var list = vault.Database.CreateCommand("SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"))
        await using (var reader = await list.ExecuteReaderAsync(Cancel))
        {
            while (await reader.ReadAsync(Cancel))
            {
                tables.Add(reader.GetString(0));
            }
        }

        var values = new List<string>();
        foreach (var table in tables)
        {
            await using var select = vault.Database.CreateCommand($"SELECT * FROM {table}");
            await using var reader = await select.ExecuteReaderAsync(Cancel);
            while (await reader.ReadAsync(Cancel))
            {
                for (var i = 0; i < reader.FieldCount; i++)
                {
                    values.Add($"{reader.GetName(i)}={(reader.GetValue(i) is byte[] bytes ? Encoding.Latin1.GetString(bytes) : reader.GetValue(i).ToString())}");
                }
            }
        }

        return values;
    }

    /// <summary>Full numbers anywhere; security codes only as the value of something that is named so, since three digits are everywhere.</summary>
    private static List<string> Leaks(IEnumerable<string> texts) =>
        [.. texts.Where(t => Cards.Any(c => t.Contains(WithCheckDigit(c.Number), StringComparison.Ordinal)
            || System.Text.RegularExpressions.Regex.IsMatch(t, $"(?i)cvc\\W{{1,4}}{c.Cvc}")))];

    private static string WithCheckDigit(string number)
    {
        for (var digit = '0'; digit <= '9'; digit++)
        {
            if (Payments.Vault.Cards.CardCheck.PassesLuhn(number[..^1] + digit))
            {
                return number[..^1] + digit;
            }
        }

        throw new ArgumentException("One of ten digits must fit.", nameof(number));
    }
}
