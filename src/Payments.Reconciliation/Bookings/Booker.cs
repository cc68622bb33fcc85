using System.Net.Http.Json;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform;
using Payments.Platform.Http.Seams;

namespace Payments.Reconciliation.Bookings;

/// <summary>
/// Asks the ledger for what is due, until it is booked. The id was made before the first request: whoever does not know what became of one
/// sends it again and is answered the same journal.
/// </summary>
public sealed class Booker(BookingList list, IHttpClientFactory clients, ILogger<Booker> logger)
{
    public const string Service = "Ledger";

    /// <summary>What the ledger says of an id under which it has booked nothing and will not any more.</summary>
    private const string IdTooOld = "id_too_old";

    /// <summary>The ledger's limit is below ours.</summary>
    private const string SecondPersonNeeded = "second_person_needed";

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private sealed record Refusal(string? Code, string? Param);

    /// <summary>One by one what is due; returns how many are booked now.</summary>
    /// <param name="name">Only of this payout or break; null: all.</param>
    public async Task<int> BookDueAsync(string? name, CancellationToken cancellationToken)
    {
        var booked = 0;
        while (await list.TakeAsync(name, Lease, cancellationToken) is { } booking)
        {
            booked += await TryAsync(booking, cancellationToken) ? 1 : 0;
        }

        return booked;
    }

    private async Task<bool> TryAsync(DueBooking booking, CancellationToken cancellationToken)
    {
        using var span = ReconciliationTelemetry.Source.StartActivity("reconciliation.book");
        var refused = await AskAsync(booking, cancellationToken);
        Steps.Reached(ReconciliationSteps.BookAnswered);
        if (refused is null)
        {
            await list.BookedAsync(booking, cancellationToken);
            Steps.Reached(ReconciliationSteps.BookAfter);
            ReconciliationTelemetry.Booked(booking.What, "booked");
            Log.Booked(logger, booking.What, booking.Provider, booking.Name);
            return true;
        }

        if (refused == IdTooOld)
        {
            await list.RenewAsync(booking, cancellationToken);
            return false;
        }

        if (refused.StartsWith(SecondPersonNeeded, StringComparison.Ordinal))
        {
            await list.ProposeAgainAsync(booking, cancellationToken);
        }

        var pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(booking.Tries - 1, 10)));
        await list.FailedAsync(booking, refused, pause, cancellationToken);
        ReconciliationTelemetry.Booked(booking.What, "failed");
        Log.BookingFailed(logger, booking.What, booking.Provider, booking.Name, booking.Tries, refused);
        return false;
    }

    /// <summary>Null: it is booked. Otherwise the ledger's code, or that it does not answer.</summary>
    private async Task<string?> AskAsync(DueBooking booking, CancellationToken cancellationToken)
    {
        Steps.Reached(ReconciliationSteps.BookBefore);
        try
        {
            using var ledger = clients.CreateInternalClient(Service);
            using var answer = await PostAsync(ledger, booking, cancellationToken);
            if (answer.IsSuccessStatusCode && booking.What == BookingKind.Payout)
            {
                return null;
            }

            if (answer.IsSuccessStatusCode)
            {
                var journal = (await answer.Content.ReadFromJsonAsync<LedgerBooking>(Json.Options, cancellationToken))?.Journal;
                Invariant.Holds(journal?.Value == booking.BookingId, "the ledger books under the id that it was given");
                return null;
            }

            var refusal = await answer.Content.ReadFromJsonAsync<Refusal>(Json.Options, cancellationToken);
            return refusal switch
            {
                { Code: IdTooOld } => IdTooOld,
                { Code: { } code, Param: { } param } => $"{code} {param}",
                { Code: { } code } => code,
                _ => $"the ledger answers {(int)answer.StatusCode}",
            };
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            return e is JsonException ? "the ledger's answer is not understood" : "the ledger does not answer";
        }
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient ledger, DueBooking booking, CancellationToken cancellationToken) => booking.What switch
    {
        BookingKind.Settlement or BookingKind.LateCost => ledger.PostAsJsonAsync(
            new Uri("internal/ledger/provider-settlements", UriKind.Relative), Content<ProviderSettlement>(booking) with { Id = new(booking.BookingId) }, Json.Options, cancellationToken),
        BookingKind.Payout => ledger.PostAsJsonAsync(new Uri("internal/ledger/payout-entries", UriKind.Relative), booking.Entry, Json.Options, cancellationToken),
        _ => ledger.PostAsJsonAsync(
            new Uri("internal/ledger/corrections", UriKind.Relative), Content<LedgerCorrection>(booking) with { Id = new(booking.BookingId) }, Json.Options, cancellationToken),
    };

    private static T Content<T>(DueBooking booking) =>
        JsonSerializer.Deserialize<T>(booking.Content, Json.Options) ?? throw new InvariantException("what is to be booked has a content");
}
