using System.Net.Http.Json;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Http.Seams;

namespace Payments.Api.Flow;

/// <summary>Passes on to reconciliation that a provider has a report: it is durable there before the notice is settled here.</summary>
public sealed class ReportAnnouncements(IHttpClientFactory clients)
{
    public const string Service = "Reconciliation";

    /// <summary>Throws where it could not be told; the notice is then tried again.</summary>
    public async Task TellAsync(ProviderNoticeKey key, ProviderFact told, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(told);
        using var client = clients.CreateInternalClient(Service);
        using var answer = await client.PostAsJsonAsync(
            new Uri("/internal/v1/reconciliation/announcements", UriKind.Relative), new { mode = Words.Of(key.Mode), provider = Words.Of(key.Provider), name = told.PaymentReference }, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }
}
