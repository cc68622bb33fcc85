using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Reconciliation.Bookings;

namespace Payments.Reconciliation.Breaks;

/// <summary>Asks the ledger for a journal that a person names, since what closes a break has to be in the books; and for what it has of a payment.</summary>
public sealed class LedgerJournals(IHttpClientFactory clients)
{
    private sealed record Refusal(string? Code);

    /// <summary>What the ledger has of a payment; null while it does not answer.</summary>
    public async Task<LedgerStory?> StoryAsync(PaymentId payment, CancellationToken cancellationToken)
    {
        try
        {
            using var ledger = clients.CreateInternalClient(Booker.Service);
            return await ledger.GetFromJsonAsync<LedgerStory>(new Uri($"internal/ledger/payments/{payment}", UriKind.Relative), Json.Options, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is HttpRequestException or OperationCanceledException or JsonException or IOException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The journal, or that there is none; or a problem where the ledger does not say either.</summary>
    public async Task<(LedgerJournal? Journal, Problem? Away)> FindAsync(JournalId id, CancellationToken cancellationToken)
    {
        try
        {
            using var ledger = clients.CreateInternalClient(Booker.Service);
            using var answer = await ledger.GetAsync(new Uri($"internal/ledger/journals/{id}", UriKind.Relative), cancellationToken);
            if (answer.IsSuccessStatusCode && await answer.Content.ReadFromJsonAsync<LedgerJournal>(Json.Options, cancellationToken) is { } journal)
            {
                Invariant.Holds(journal.Journal == id, "the ledger answers with the journal that it was asked for");
                return (journal, null);
            }

            // A path that a ledger of another version does not have is no word about the journal.
            return answer.StatusCode == HttpStatusCode.NotFound && (await answer.Content.ReadFromJsonAsync<Refusal>(Json.Options, cancellationToken))?.Code == LedgerJournal.NotFound
                ? (null, null)
                : (null, Problems.ServiceUnavailable("The ledger"));
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            return (null, Problems.ServiceUnavailable("The ledger"));
        }
    }
}
