using Microsoft.Extensions.Logging.Abstractions;
using Payments.IntegrationTests.Events;
using Payments.IntegrationTests.Ledger;
using Payments.Reconciliation.Bookings;
using Payments.Reconciliation.Imports;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A ledger that books what reconciliation asks of it.</summary>
public sealed class BookingLedger(EmbeddedServers servers) : IAsyncLifetime
{
    internal static readonly Uri Nowhere = new("http://127.0.0.1:9");

    internal LedgerService Ledger { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Ledger = await LedgerService.StartAsync(servers);

    public ValueTask DisposeAsync() => Ledger.DisposeAsync();

    /// <summary>What asks this ledger, or one that is away.</summary>
    internal (Booker Booker, BookingList List) On(ReconciliationDatabase database, bool away = false)
    {
        var list = new BookingList(database.Source);
        return (new(list, new ToLedger(away ? Nowhere : Ledger.Address), NullLogger<Booker>.Instance), list);
    }

    /// <summary>What takes over what this ledger knows of payouts.</summary>
    internal ExpectedPayouts Expecting(ReconciliationDatabase database) => new(database.Source, new ToLedger(Ledger.Address));

    /// <summary>What takes over this ledger's rates, or those of one that is away.</summary>
    internal LedgerRates Rates(ReconciliationDatabase database, bool away = false) => new(database.Source, new ToLedger(away ? Nowhere : Ledger.Address));

    /// <summary>What the journals of these ids moved, by account: debit is positive, zero is left out.</summary>
    internal async Task<List<string>> MovedAsync(params Guid[] journals)
    {
        await using var command = Ledger.Books.Owner.CreateCommand("""
            SELECT a.kind || ' ' || sum(m.amount)::bigint FROM (
                SELECT debit_account_id AS account, amount FROM ledger.movements WHERE journal_id = ANY ($1)
                UNION ALL SELECT credit_account_id, -amount FROM ledger.movements WHERE journal_id = ANY ($1)) m
            JOIN ledger.accounts a ON a.id = m.account GROUP BY a.kind, a.currency HAVING sum(m.amount) <> 0 ORDER BY 1
            """);
        command.Parameters.Add(new() { Value = journals });
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var moved = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            moved.Add(reader.GetString(0));
        }

        return moved;
    }

    private sealed class ToLedger(Uri ledger) : IHttpClientFactory
    {
        public HttpClient CreateClient(string name)
        {
            var client = new HttpClient { BaseAddress = ledger, Timeout = TimeSpan.FromMinutes(1) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", EventTestBed.InternalKey);
            return client;
        }
    }
}
