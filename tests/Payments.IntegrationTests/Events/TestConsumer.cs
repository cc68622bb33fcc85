using Microsoft.AspNetCore.Builder;
using Npgsql;
using Payments.Core.Events;
using Payments.Platform.Inbox;
using Xunit;

namespace Payments.IntegrationTests.Events;

/// <summary>A running consumer whose effects are rows of a table.</summary>
internal sealed class TestConsumer(WebApplication application, NpgsqlDataSource database) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(240);

    public NpgsqlDataSource Database => database;

    public Uri Url => new(application.Urls.Single());

    public Task StopAsync() => application.StopAsync(TestContext.Current.CancellationToken);

    /// <summary>Waits until so many effects are there.</summary>
    public Task AppliedAsync(int count) =>
        UntilAsync($"SELECT count(*) >= {count} FROM effects", $"{count} effects");

    /// <summary>Waits until a query answers true; no row, or null, is not yet.</summary>
    public async Task UntilAsync(string condition, string what)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        waiting.CancelAfter(Patience);
        try
        {
            while (!await database.ScalarAsync<bool>($"SELECT COALESCE(({condition}), false)", waiting.Token))
            {
                await Task.Delay(20, waiting.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"Waited in vain for {what}; there are {await database.ScalarAsync<long>("SELECT count(*) FROM effects", TestContext.Current.CancellationToken)} effects.");
        }
    }

    /// <summary>Every event took effect, none twice, each payment's in order of version.</summary>
    public async Task AssertExactlyOnceAsync(IEnumerable<PaymentEvent> written)
    {
        var seen = new List<(Guid Event, Guid Payment, long Version)>();
        await using var command = database.CreateCommand("SELECT event_id, payment_id, version FROM effects ORDER BY place");
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            seen.Add((reader.GetGuid(0), reader.GetGuid(1), reader.GetInt64(2)));
        }

        Assert.Equal(written.Select(e => e.Id.Value).Order(), seen.Select(s => s.Event).Order());
        Assert.All(seen.GroupBy(s => s.Payment), p => Assert.Equal(p.Select(s => s.Version).Order(), p.Select(s => s.Version)));
    }

    public ValueTask DisposeAsync() => application.DisposeAsync();
}

/// <summary>Writes a row for each event, without any protection of its own against a second one.</summary>
internal sealed class EffectHandler : IEventHandler
{
    /// <summary>Payments in <c>poisoned</c> make the handler fail; a row in <c>slow</c> makes it wait within its transaction.</summary>
    public const string Tables = """
        CREATE TABLE effects (place bigint GENERATED ALWAYS AS IDENTITY, event_id uuid NOT NULL, payment_id uuid NOT NULL, version bigint NOT NULL);
        CREATE TABLE poisoned (payment_id uuid PRIMARY KEY);
        CREATE TABLE slow (seconds double precision NOT NULL)
        """;

    public async Task ApplyAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken)
    {
        foreach (var received in batch)
        {
            await using var command = new NpgsqlCommand("""
                INSERT INTO effects (event_id, payment_id, version) SELECT $1, $2, $3 RETURNING (SELECT count(*) FROM poisoned WHERE payment_id = $2)
                """, connection, transaction)
            {
                Parameters = { new() { Value = received.Event.Id.Value }, new() { Value = received.Event.PaymentId.Value }, new() { Value = received.Event.Version } },
            };
            if ((long)(await command.ExecuteScalarAsync(cancellationToken))! > 0)
            {
                throw new InvalidOperationException("This payment cannot be applied.");
            }
        }

        await using var wait = new NpgsqlCommand("SELECT pg_sleep(seconds) FROM slow", connection, transaction);
        await wait.ExecuteNonQueryAsync(cancellationToken);
    }
}
