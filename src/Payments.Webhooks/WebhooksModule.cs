using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Inbox;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;
using Payments.Webhooks.Deliveries;
using Payments.Webhooks.Egress;
using Payments.Webhooks.Endpoints;
using Payments.Webhooks.Events;
using Payments.Webhooks.Receipts;

namespace Payments.Webhooks;

/// <summary>What a host adds to run this service.</summary>
public static class WebhooksModule
{
    public static void AddWebhooks(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddDatabase(Names.Databases.Webhooks, typeof(WebhooksModule).Assembly, Plumbing.Inbox, Plumbing.Idempotency);
        builder.AddPaymentsHttp();
        builder.AddIdempotency();
        builder.AddEventConsumer<EventIntake>(Names.Services.Webhooks, gather: TimeSpan.FromMilliseconds(100)); // merchants wait

        var services = builder.Services;
        services.AddOptions<WebhooksOptions>().BindConfiguration(WebhooksOptions.Section).ValidateDataAnnotations()
            .Validate(o => o.LeaseSeconds > o.TimeoutSeconds, "'Payments:Webhooks:LeaseSeconds' must exceed 'TimeoutSeconds'.").ValidateOnStart();
        services.AddOptions<SmtpOptions>().BindConfiguration(SmtpOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<Jitter>(() => RandomNumberGenerator.GetInt32(1_000_001) / 1e6);
        services.TryAddSingleton<NameResolver>((host, cancellationToken) => Dns.GetHostAddressesAsync(host, cancellationToken));
        services.TryAddSingleton<EventStore>();
        services.AddSingleton<EndpointHealth>();
        services.AddSingleton<DueDeliveries>();
        services.AddSingleton<HandOver>();
        services.AddSingleton<Outcomes>();
        services.AddSingleton(s => new EgressGuard(s.GetRequiredService<NameResolver>(), s.GetRequiredService<IOptions<WebhooksOptions>>().Value.AllowLoopback));
        services.AddSingleton(s => new WebhookSender(
            s.GetRequiredService<EgressGuard>(), s.GetRequiredService<TimeProvider>(), TimeSpan.FromSeconds(s.GetRequiredService<IOptions<WebhooksOptions>>().Value.TimeoutSeconds)));
        AddDispatcher(services, s => NewWebhookChannel(s, failing: false));
        AddDispatcher(services, s => NewWebhookChannel(s, failing: true));
        AddDispatcher(services, s => ActivatorUtilities.CreateInstance<ReceiptChannel>(s));
        services.AddHostedService<DueListener>();
        services.AddSingleton<Housekeeping>();
        services.AddHostedService(s => s.GetRequiredService<Housekeeping>());
        services.AddHealthChecks().AddCheck<DeliveryHealth>("deliveries", tags: ["ready"]);
    }

    public static void MapWebhooks(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UsePaymentsHttp();
        app.MapDeadLetters();

        var merchant = app.MapGroup("/internal/v1/merchants/{merchant_id}/{mode}").RequireInternalKey();
        var endpoints = merchant.MapGroup("/webhook_endpoints");
        endpoints.MapPost("", CreateEndpoint.HandleAsync);
        endpoints.MapGet("", ReadEndpoints.ListAsync);
        endpoints.MapGet("/{id}", ReadEndpoints.GetAsync);
        endpoints.MapPatch("/{id}", ChangeEndpoint.HandleAsync);
        endpoints.MapDelete("/{id}", DeleteEndpoint.HandleAsync);
        endpoints.MapPost("/{id}/rotate_secret", RotateSecret.HandleAsync);
        endpoints.MapGet("/{id}/deliveries", ReadDeliveries.ListAsync);
        endpoints.MapPost("/{id}/deliveries/{deliveryId}/resend", ResendDelivery.HandleAsync);
        merchant.MapGet("/events", ReadEvents.ListAsync);
        merchant.MapGet("/events/{id}", ReadEvents.GetAsync);
    }

    private static void AddDispatcher(IServiceCollection services, Func<IServiceProvider, IDeliveryChannel> channel)
    {
        // Several of one type, of which AddHostedService would keep only the first.
        var index = services.Count(s => s.ServiceType == typeof(Dispatcher));
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<Dispatcher>(s, channel(s)));
        services.AddSingleton<IHostedService>(s => s.GetServices<Dispatcher>().ElementAt(index));
    }

    private static WebhookChannel NewWebhookChannel(IServiceProvider services, bool failing) => new(
        failing,
        services.GetRequiredService<DueDeliveries>(),
        services.GetRequiredService<HandOver>(),
        services.GetRequiredService<WebhookSender>(),
        services.GetRequiredService<EndpointHealth>(),
        services.GetRequiredService<SecretBox>(),
        services.GetRequiredService<IOptions<WebhooksOptions>>());
}
