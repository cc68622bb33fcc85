using System.Net.Http.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Imports;

namespace Payments.Reconciliation.Bookings;

/// <summary>
/// Takes over from the ledger which payouts were paid, or came back, by another word than the statement's: each becomes an item that the
/// statement has to answer. Ended anywhere, the next call takes over what the ledger still has, and an item is made once.
/// </summary>
public sealed class ExpectedPayouts(NpgsqlDataSource database, IHttpClientFactory clients)
{
    private static readonly Uri List = new("internal/ledger/payouts-to-show", UriKind.Relative);
    private static readonly Uri Taken = new("internal/ledger/payouts-to-show/taken", UriKind.Relative);

    /// <summary>All that the ledger has; returns how many.</summary>
    /// <exception cref="HttpRequestException">The ledger does not answer, or refuses.</exception>
    public async Task<int> TakeAsync(CancellationToken cancellationToken)
    {
        using var ledger = clients.CreateInternalClient(Booker.Service);
        for (var taken = 0; ;)
        {
            var list = await ledger.GetFromJsonAsync<PayoutEntryList>(List, Json.Options, cancellationToken) ?? throw new HttpRequestException("The ledger's answer is empty.");
            if (list.Payouts.Count == 0)
            {
                return taken;
            }

            await ExpectAsync(list.Payouts, cancellationToken);
            using var told = await ledger.PostAsJsonAsync(Taken, list, Json.Options, cancellationToken);
            told.EnsureSuccessStatusCode();
            taken += list.Payouts.Count;
        }
    }

    private async Task ExpectAsync(IReadOnlyList<PayoutEntry> entries, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var entry in entries)
        {
            var reference = BankText.ReferenceOf(entry.Payout, isReturn: entry.AmountMinor > 0);
            await using var expect = new NpgsqlCommand("SELECT recon.expect_entry($1, $2, $3, $4, $5, $6)", connection, transaction).With(
                ModeNames.Of(entry.Mode), reference, entry.Currency, MatchKey.Of(entry.Mode, Leg.Bank, Book.Merchants, LineKind.Payout, reference, entry.Currency), entry.AmountMinor,
                entry.BookedAt.UtcDateTime);
            await expect.ExecuteNonQueryAsync(cancellationToken);
        }

        Steps.Reached(ReconciliationSteps.ExpectEffects);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(ReconciliationSteps.ExpectAfter);
    }
}
