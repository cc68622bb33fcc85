using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Payments.Platform.Kafka;

namespace Payments.Platform.Outbox;

/// <summary>What a publisher of events adds. Its database needs the migrations <see cref="Postgres.Plumbing.Outbox"/>.</summary>
public static class OutboxModule
{
    /// <summary>Registers the relay to Kafka, the expiry, <see cref="OutboxSignal"/> and the log itself as <see cref="IOutboxSource"/>.</summary>
    public static void AddOutbox(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddKafka();
        builder.Services.AddOptions<OutboxOptions>().BindConfiguration(OutboxOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<OutboxSignal>();
        builder.Services.TryAddSingleton<IOutboxSource, OutboxReader>();
        builder.Services.TryAddSingleton<RelayState>();
        builder.Services.AddHostedService<OutboxRelay>();
        builder.Services.AddHostedService<OutboxExpiry>();
        builder.Services.AddHealthChecks().AddCheck<RelayState>("outbox", tags: ["ready"]);
    }
}
