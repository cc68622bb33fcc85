using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http.Seams;
using Payments.Platform.Kafka;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>One consumer of a service.</summary>
/// <param name="Gather">How long it gathers at most, whatever is configured for all.</param>
internal sealed record ConsumerRegistration(string Name, StartAt StartAt, bool KeepsCopies, TimeSpan Gather)
{
    public string Publisher { get; } = Names.Services.Api;

    public string Topic { get; } = Names.Topics.PaymentEvents;

    public string Group => Names.ConsumerGroup(Name);
}

public static class InboxModule
{
    /// <summary>
    /// Runs <typeparamref name="THandler"/> (a singleton) over the payment events, exactly once each. The service's database needs
    /// the migrations <see cref="Postgres.Plumbing.Inbox"/>; the publisher is reached through <see cref="IOutboxSource"/>.
    /// </summary>
    /// <param name="name">Names the consumer's checkpoints, its Kafka group and its progress at the publisher; for ever.</param>
    /// <param name="startAt">Where it begins if it has no checkpoints; by default with everything that the log holds.</param>
    /// <param name="keepsCopies">
    /// Whether a publisher that was restored can ask it for the events that it has applied. The restore asks ledger, webhooks and reconciliation.
    /// </param>
    /// <param name="gather">How long events are gathered under load at most, where somebody waits for what it does; by default as configured.</param>
    public static void AddEventConsumer<THandler>(this WebApplicationBuilder builder, string name, StartAt? startAt = null, bool keepsCopies = true, TimeSpan? gather = null)
        where THandler : class, IEventHandler
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddKafka();
        builder.Services.AddOptions<EventConsumerOptions>().BindConfiguration(EventConsumerOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<IdSource>();
        builder.AddInternalClient(OutboxClient.Publisher);
        builder.Services.TryAddSingleton<IOutboxSource, OutboxClient>();
        builder.Services.TryAddSingleton<THandler>();
        builder.Services.TryAddSingleton<DeadLetters>();
        builder.Services.TryAddSingleton<ConsumerOperations>();
        if (!builder.Services.Any(s => s.ServiceType == typeof(EventCopies)))
        {
            builder.Services.AddSingleton<EventCopies>();
            builder.Services.AddHostedService<EventCopyExpiry>();
        }

        var registration = new ConsumerRegistration(name, startAt ?? StartAt.Beginning, keepsCopies, gather ?? TimeSpan.MaxValue);
        var state = new ConsumerState();
        builder.Services.AddSingleton(services => new ConsumerParts(registration, services.GetRequiredService<THandler>()));
        builder.Services.AddSingleton<IHostedService>(services => Consumer(services, registration, state, services.GetRequiredService<THandler>()));
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration("events." + name, new ConsumerHealth(name, state), null, ["ready"]));
    }

    private static EventConsumer Consumer(IServiceProvider services, ConsumerRegistration registration, ConsumerState state, IEventHandler handler)
    {
        var database = services.GetRequiredService<NpgsqlDataSource>();
        var time = services.GetRequiredService<TimeProvider>();
        var logger = services.GetRequiredService<ILogger<EventConsumer>>();
        var telemetry = new ConsumerTelemetry(registration.Name, registration.Topic, time, state);
        var checkpoints = new Checkpoints(database, registration.Name, registration.Publisher);
        var parked = new ParkedPayments(services.GetRequiredService<IdSource>(), registration.Name, registration.Publisher);
        return new EventConsumer(
            registration, checkpoints, new EventApplier(database, registration, checkpoints, parked, handler, telemetry, logger),
            services.GetRequiredService<IOutboxSource>(), services.GetRequiredService<KafkaClients>(),
            services.GetRequiredService<IOptions<EventConsumerOptions>>().Value, state, telemetry, time, logger);
    }
}

/// <summary>A consumer and its handler, for replays.</summary>
internal sealed record ConsumerParts(ConsumerRegistration Registration, IEventHandler Handler);
