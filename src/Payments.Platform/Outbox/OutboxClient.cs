using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Core;
using Payments.Platform.Http.Seams;

namespace Payments.Platform.Outbox;

/// <summary>Reads the log from the publisher's internal endpoints (<see cref="OutboxEndpoints"/>). Every call may be repeated.</summary>
public sealed class OutboxClient(IHttpClientFactory clients) : IOutboxSource
{
    internal const string Publisher = "Api";

    public Task<OutboxHeads> HeadsAsync(CancellationToken cancellationToken) =>
        GetAsync<OutboxHeads>("/internal/v1/outbox/heads", cancellationToken);

    public Task<OutboxPage> ReadAsync(int partition, long after, int limit, CancellationToken cancellationToken) =>
        GetAsync<OutboxPage>(string.Create(CultureInfo.InvariantCulture, $"/internal/v1/outbox/{partition}?after={after}&limit={limit}"), cancellationToken);

    public Task ReportAsync(string consumer, ConsumerProgress progress, CancellationToken cancellationToken) => CallAsync(async http =>
    {
        using var response = await http.PutAsJsonAsync("/internal/v1/outbox/consumers/" + Uri.EscapeDataString(consumer), progress, Json.Options, cancellationToken);
        return response.EnsureSuccessStatusCode().StatusCode;
    }, cancellationToken);

    private Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
        where T : class => CallAsync(
            async http => await http.GetFromJsonAsync<T>(path, Json.Options, cancellationToken) ?? throw new JsonException("The body is null."), cancellationToken);

    private async Task<T> CallAsync<T>(Func<HttpClient, Task<T>> call, CancellationToken cancellationToken)
    {
        using var http = clients.CreateInternalClient(Publisher);
        try
        {
            return await call(http);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new OutboxUnavailableException("The publisher does not answer.", e);
        }
    }
}
