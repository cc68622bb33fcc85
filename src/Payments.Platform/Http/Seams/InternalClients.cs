using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Payments.Core.Seams;

namespace Payments.Platform.Http.Seams;

/// <summary>
/// HTTP clients of the seams between services, for hosts in which the other service runs elsewhere. A host in which it runs in the
/// same process registers that implementation first.
/// </summary>
public static class InternalClients
{
    public static void AddVaultClient(this WebApplicationBuilder builder)
    {
        builder.AddInternalClient("Vault");
        builder.Services.TryAddSingleton<IVault, HttpVault>();
    }

    public static void AddFraudScorerClient(this WebApplicationBuilder builder)
    {
        builder.AddInternalClient("Fraud");
        builder.Services.TryAddSingleton<IFraudScorer, HttpFraudScorer>();
    }

    public static void AddKeyDirectoryClient(this WebApplicationBuilder builder)
    {
        builder.AddInternalClient("Api");
        builder.Services.TryAddSingleton<IKeyDirectory, HttpKeyDirectory>();
    }

    /// <summary>
    /// A named <see cref="HttpClient"/> to the internal endpoints of another service: <c>Payments:Urls:{service}</c>, with the shared key.
    /// Get it by <see cref="CreateInternalClient"/>. It has no retries and no time limit but the caller's token and 10 s, and logs nothing: traces
    /// and metrics tell of each call.
    /// </summary>
    /// <param name="service">Api, Vault, Ledger, Fraud, Webhooks or Reconciliation.</param>
    public static IHttpClientBuilder AddInternalClient(this WebApplicationBuilder builder, string service)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Services.AddHttpClient(NameOf(service), (services, client) =>
        {
            var configuration = services.GetRequiredService<IConfiguration>();
            client.BaseAddress = new Uri(configuration[$"Payments:Urls:{service}"]
                ?? throw new InvalidOperationException($"'Payments:Urls:{service}' must be set to the base URL of that service."));
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", configuration["Payments:InternalKey"]);
            client.Timeout = TimeSpan.FromSeconds(10);
        }).ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        }).RemoveAllLoggers();
    }

    public static HttpClient CreateInternalClient(this IHttpClientFactory clients, string service)
    {
        ArgumentNullException.ThrowIfNull(clients);
        return clients.CreateClient(NameOf(service));
    }

    private static string NameOf(string service) => "payments-" + service;
}
