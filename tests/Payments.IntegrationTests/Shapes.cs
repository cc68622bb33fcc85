using Payments.Api;
using Payments.Fraud;
using Payments.Ledger;
using Payments.Platform.Postgres;
using Payments.Reconciliation;
using Payments.Vault;
using Payments.Webhooks;

namespace Payments.IntegrationTests;

/// <summary>What the services' databases look like: for <see cref="EmbeddedServers.CreateDatabaseAsync(IReadOnlyList{Migration}, CancellationToken)"/>.</summary>
internal static class Shapes
{
    public static IReadOnlyList<Migration> Api { get; } = Migrations.In(typeof(ApiModule).Assembly, Plumbing.Outbox, Plumbing.Idempotency);

    public static IReadOnlyList<Migration> Fraud { get; } = Migrations.In(typeof(FraudModule).Assembly, Plumbing.Idempotency, Plumbing.Inbox);

    public static IReadOnlyList<Migration> Ledger { get; } = Migrations.In(typeof(LedgerModule).Assembly, Plumbing.Inbox, Plumbing.Idempotency);

    public static IReadOnlyList<Migration> Reconciliation { get; } = Migrations.In(typeof(ReconciliationModule).Assembly, Plumbing.Inbox);

    public static IReadOnlyList<Migration> Vault { get; } = Migrations.In(typeof(VaultModule).Assembly, Plumbing.Idempotency);

    public static IReadOnlyList<Migration> Webhooks { get; } = Migrations.In(typeof(WebhooksModule).Assembly, Plumbing.Inbox, Plumbing.Idempotency);

    /// <summary>As it was once the service's migration of a number had been applied.</summary>
    public static IReadOnlyList<Migration> Through(this IReadOnlyList<Migration> all, int number) =>
        [.. all.Where(m => m.Component != Migrations.ServiceComponent || m.Number <= number)];
}
