using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;

namespace Payments.IntegrationTests.Events;

/// <summary>Events such as the payment flow writes, with made-up payments.</summary>
internal static class EventSamples
{
    public static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static PaymentEvent Authorized(PaymentId payment, long version = 1) =>
        Event(PaymentEventTypes.Authorized, payment, version, PaymentStatus.Authorized, OperationKind.Authorize, null);

    public static PaymentEvent Captured(PaymentId payment, long version = 2) =>
        Event(PaymentEventTypes.Captured, payment, version, PaymentStatus.Captured, OperationKind.Capture, new CaptureFees(1, 175, 90));

    public static PaymentEvent Event(
        string type, PaymentId payment, long version, PaymentStatus status, OperationKind kind, CaptureFees? fees)
    {
        var merchant = Ids.New<MerchantId>();
        var at = Noon.AddSeconds(version);
        var view = new PaymentView
        {
            Id = payment.ToString(),
            MerchantId = merchant.ToString(),
            Mode = Mode.Test,
            Status = status,
            Amount = 5_000,
            AmountCapturable = fees is null ? 5_000 : 0,
            AmountCaptured = fees is null ? 0 : 5_000,
            AmountRefunded = 0,
            Currency = "USD",
            CaptureMethod = CaptureMethod.Manual,
            PaymentMethod = new("card", "visa", "4242", "US", "credit", Ids.New<TokenId>().ToString()),
            Provider = Provider.Stripe,
            ProviderReference = "pi_1",
            Risk = new(3, FraudVerdict.Approve, ["new_card"]),
            OrderId = "1000",
            Metadata = new Dictionary<string, string> { ["basket"] = "b 1" },
            CreatedAt = Noon,
            AuthorizedAt = at,
            CapturedAt = fees is null ? null : at,
            Version = version,
        };
        var operation = new OperationFact(
            Ids.New<OperationId>().ToString(), kind, OperationState.Succeeded, 5_000, "USD", Ids.New<AttemptId>().ToString(),
            Provider.Stripe, "pi_1", null, 0, 0, Final: fees is not null);
        return new(Ids.New<EventId>(), type, payment, merchant, Mode.Test, version, at, new(view, operation, fees));
    }

    /// <summary>A database of its own with the given pieces of plumbing in it.</summary>
    public static async Task<NpgsqlDataSource> DatabaseAsync(this EmbeddedServers servers, CancellationToken cancellationToken, params string[] plumbing)
    {
        var connection = new NpgsqlConnectionStringBuilder(await servers.CreateDatabaseAsync(cancellationToken)) { MaxPoolSize = 10 };
        var database = NpgsqlDataSource.Create(connection);
        await Migrations.ApplyAsync(database, Migrations.In(typeof(EventSamples).Assembly, plumbing), cancellationToken);
        return database;
    }

    /// <summary>Appends the events in a transaction of their own.</summary>
    public static async Task AppendAsync(this NpgsqlDataSource database, CancellationToken cancellationToken, params PaymentEvent[] events)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await OutboxWriter.AppendAsync(connection, transaction, [.. events.Select(e => new TracedEvent(e, null))], cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public static async Task<T> ScalarAsync<T>(this NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public static async Task ExecuteAsync(this NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
