using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Stripe;

namespace Payments.Simulators.Webhooks;

/// <summary>One attempt to deliver one webhook, signed at that moment as the provider does.</summary>
public sealed class WebhookSender(BookStore books, TimeProvider clock, IOptions<SimulatorsOptions> options, ILogger<WebhookSender> log) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient client = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2), ConnectTimeout = Patience }) { Timeout = Patience };

    /// <summary>True when the merchant accepted it.</summary>
    public async Task<bool> TrySendAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        using var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url);
        if (delivery.Provider == Providers.Stripe)
        {
            PrepareStripe(request, delivery);
        }
        else
        {
            PrepareAdyen(request, delivery);
        }

        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                Log.WebhookRefused(log, delivery.Provider, delivery.Subject, (int)response.StatusCode);
            }

            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.WebhookUnanswered(log, delivery.Provider, delivery.Subject, e.GetType().Name);
            return false;
        }
    }

    public void Dispose() => client.Dispose();

    private static ByteArrayContent Json(byte[] body) => new(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" } } };

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(Wire.Answer.Of(200, json).Body);

    private void PrepareStripe(HttpRequestMessage request, Delivery delivery)
    {
        var happened = books.Read(b => b.Events.Find(delivery.Subject)) ?? throw new InvalidOperationException($"{delivery.Id} has lost its event.");
        var body = Bytes(StripeEvents.Json(happened, pendingWebhooks: 1));
        var at = clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signed = HMACSHA256.HashData(Encoding.UTF8.GetBytes(options.Value.Stripe.WebhookSecret), (byte[])[.. Encoding.UTF8.GetBytes($"{at}."), .. body]);
        request.Content = Json(body);
        request.Headers.TryAddWithoutValidation("Stripe-Signature", $"t={at},v1={Convert.ToHexStringLower(signed)}");
        request.Headers.UserAgent.ParseAdd("Stripe/1.0 (+https://stripe.com/docs/webhooks)");
    }

    private void PrepareAdyen(HttpRequestMessage request, Delivery delivery)
    {
        var told = books.Read(b => b.Notifications.Find(delivery.Subject)) ?? throw new InvalidOperationException($"{delivery.Id} has lost its notification.");
        var account = options.Value.Adyen;
        request.Content = Json(Bytes(AdyenNotifications.Json(told, account.MerchantAccount, account.HmacKey)));
        request.Headers.UserAgent.ParseAdd("Adyen-HttpClient/1.0");
    }
}
