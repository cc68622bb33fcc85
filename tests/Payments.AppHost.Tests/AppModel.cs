using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Payments.AppHost.Tests;

/// <summary>The whole app model, started once with containers, simulated providers and keys that the tests know. Needs a container runtime.</summary>
public sealed class AppModel : IAsyncLifetime
{
    public const string SecretKey = "sk_test_only_for_tests_0000000000000000000000";
    public const string PublishableKey = "pk_test_only_for_tests_0000000000000000000000";
    public const string OperatorKey = "ok_only_for_tests_000000000000000000000000000";

    /// <summary>Images may have to be pulled first.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private DistributedApplication? app;

    public DistributedApplication App => app ?? throw new InvalidOperationException("The app model is not started.");

    public async ValueTask InitializeAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Payments_AppHost>(
            [
                "--KeepData=false",
                $"--Parameters:merchant-secret-key={SecretKey}",
                $"--Parameters:merchant-publishable-key={PublishableKey}",
                $"--Parameters:operator-key={OperatorKey}",
            ],
            patience.Token);
        app = await builder.BuildAsync(patience.Token);
        await app.StartAsync(patience.Token);
        foreach (var service in new[] { "simulators", "vault", "fraud", "ledger", "webhooks", "api" })
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync(service, patience.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
        {
            await app.DisposeAsync();
        }
    }

    /// <summary>A client of a service's HTTP endpoint.</summary>
    public HttpClient Client(string service, string? key)
    {
        var client = App.CreateHttpClient(service, "http");
        client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    /// <summary>POSTs under a fresh idempotency key and reads an answer that must be a success.</summary>
    public static async Task<JsonElement> PostAsync(HttpClient client, string path, object body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", Path.GetRandomFileName());
        using var answer = await client.SendAsync(request, cancellationToken);
        return await ReadAsync(answer, cancellationToken);
    }

    public static async Task<JsonElement> GetAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        return await ReadAsync(answer, cancellationToken);
    }

    /// <summary>Repeats a GET until it shows what is wanted.</summary>
    public static async Task<JsonElement> UntilAsync(HttpClient client, string path, Func<JsonElement, bool> isWanted, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        while (true)
        {
            var shown = await GetAsync(client, path, cancellationToken);
            if (isWanted(shown))
            {
                return shown;
            }

            Assert.False(patience.IsCancellationRequested, $"{path} still shows {shown}");
            await Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken);
        }
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.RequestMessage?.Method} {answer.RequestMessage?.RequestUri} answered {(int)answer.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }
}
