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
        Event(PaymentEventTypes.Authorized, payment, version, PaymentStatus.Authorized, OperationKind.Authorize, OperationState.Succeeded, null);

    public static PaymentEvent Captured(PaymentId payment, long version = 2) =>
        Event(PaymentEventTypes.Captured, payment, version, PaymentStatus.Captured, OperationKind.Capture, OperationState.Succeeded, new CaptureFees(1, 175, 90));

    /// <summary>Money that was taken with its authorization.</summary>
    public static PaymentEvent Sold(PaymentId payment, long version = 2)
    {
        var captured = Captured(payment, version);
        var authorization = captured.Data.Operation! with { Id = Ids.New<OperationId>().ToString(), Kind = OperationKind.Authorize, Final = false };
        return captured with { Data = captured.Data with { Authorization = authorization } };
    }

    /// <summary>One event of each type at least, each of a payment of its own, in the forms that the payment flow gives them.</summary>
    public static IReadOnlyList<PaymentEvent> OfEveryType()
    {
        var fees = new CaptureFees(1, 175, 90);
        (string Type, PaymentStatus Status, OperationKind Kind, OperationState State, CaptureFees? Fees)[] rows =
        [
            (PaymentEventTypes.InReview, PaymentStatus.InReview, OperationKind.Authorize, OperationState.Succeeded, null),
            (PaymentEventTypes.RequiresAction, PaymentStatus.Pending3ds, OperationKind.Authorize, OperationState.Pending, null),
            (PaymentEventTypes.Processing, PaymentStatus.Processing, OperationKind.Authorize, OperationState.Unknown, null),
            (PaymentEventTypes.Authorized, PaymentStatus.Authorized, OperationKind.Authorize, OperationState.Succeeded, null),
            (PaymentEventTypes.Declined, PaymentStatus.Declined, OperationKind.Authorize, OperationState.Failed, null),
            (PaymentEventTypes.Failed, PaymentStatus.Failed, OperationKind.Authorize, OperationState.Failed, null),
            (PaymentEventTypes.Captured, PaymentStatus.Captured, OperationKind.Capture, OperationState.Succeeded, fees),
            (PaymentEventTypes.CaptureFailed, PaymentStatus.Authorized, OperationKind.Capture, OperationState.Failed, null),
            (PaymentEventTypes.CaptureFailed, PaymentStatus.Failed, OperationKind.Capture, OperationState.Reversed, fees),
            (PaymentEventTypes.Voided, PaymentStatus.Voided, OperationKind.Void, OperationState.Succeeded, null),
            (PaymentEventTypes.VoidFailed, PaymentStatus.Authorized, OperationKind.Void, OperationState.Failed, null),
            (PaymentEventTypes.Expired, PaymentStatus.Expired, OperationKind.Void, OperationState.Succeeded, null),
            (PaymentEventTypes.Expired, PaymentStatus.Expired, OperationKind.Authorize, OperationState.Failed, null),
            (PaymentEventTypes.RefundPending, PaymentStatus.Refunding, OperationKind.Refund, OperationState.Pending, null),
            (PaymentEventTypes.Refunded, PaymentStatus.Refunded, OperationKind.Refund, OperationState.Succeeded, null),
            (PaymentEventTypes.RefundFailed, PaymentStatus.Captured, OperationKind.Refund, OperationState.Reversed, null),
            (PaymentEventTypes.DoubleChargeFound, PaymentStatus.Captured, OperationKind.Refund, OperationState.Open, null),
            (PaymentEventTypes.DoubleChargeUndone, PaymentStatus.Captured, OperationKind.Void, OperationState.Succeeded, null),
            (PaymentEventTypes.DoubleChargeUndoFailed, PaymentStatus.Captured, OperationKind.Refund, OperationState.Reversed, null),
            (PaymentEventTypes.Unattributed, PaymentStatus.Authorizing, OperationKind.Capture, OperationState.Succeeded, null),
            (PaymentEventTypes.Attributed, PaymentStatus.Authorizing, OperationKind.Authorize, OperationState.Succeeded, null),
        ];
        return [Rejected(), ReviewDecided(), Sold(Ids.New<PaymentId>()), .. PaymentEventTypes.Disputes.Select(OfDispute), .. rows.Select(r => Event(r.Type, Ids.New<PaymentId>(), 3, r.Status, r.Kind, r.State, r.Fees))];
    }

    public static PaymentEvent Event(
        string type, PaymentId payment, long version, PaymentStatus status, OperationKind kind, OperationState state, CaptureFees? fees)
    {
        var merchant = Ids.New<MerchantId>();
        var at = Noon.AddSeconds(version);
        var view = View(payment, merchant, version) with
        {
            Status = status,
            AmountCapturable = status is PaymentStatus.Authorized or PaymentStatus.InReview ? 5_000 : 0,
            AmountCaptured = status == PaymentStatus.Captured ? 5_000 : 0,
            AuthorizedAt = at,
            CapturedAt = fees is null ? null : at,
            NextAction = status == PaymentStatus.Pending3ds ? new("redirect", "https://issuer.example/challenge") : null,
            Decline = status == PaymentStatus.Declined ? new("insufficient_funds", DeclineKind.Soft, "51", "Not enough money.") : null,
        };
        var operation = new OperationFact(
            Ids.New<OperationId>().ToString(), kind, state, 5_000, "USD", Ids.New<AttemptId>().ToString(),
            Provider.Stripe, "pi_1", null, 0, 0, Final: fees is not null);
        return new(Ids.New<EventId>(), type, payment, merchant, Mode.Test, version, at, new(view, operation, fees));
    }

    private static PaymentEvent Rejected()
    {
        var (payment, merchant) = (Ids.New<PaymentId>(), Ids.New<MerchantId>());
        var view = View(payment, merchant, 1) with { Status = PaymentStatus.Rejected, Provider = null, ProviderReference = null };
        return new(Ids.New<EventId>(), PaymentEventTypes.Rejected, payment, merchant, Mode.Live, 1, Noon, new(view, null, null));
    }

    private static PaymentEvent OfDispute(string type)
    {
        var (payment, merchant) = (Ids.New<PaymentId>(), Ids.New<MerchantId>());
        var isClosed = type == PaymentEventTypes.DisputeClosed;
        var dispute = new DisputeView(
            Ids.New<DisputeId>().ToString(), "dispute", payment.ToString(), Mode.Test, isClosed ? DisputeStatus.Won : DisputeStatus.NeedsResponse, 5_000, isClosed ? 0 : 5_000, 1_500, "USD",
            DisputeReason.Fraudulent, "fraudulent", Provider.Stripe, "du_1", true, "Authenticated.", Noon.AddDays(14),
            isClosed ? new DisputeSubmissionView(Ids.New<AttemptId>().ToString(), DisputeAnswer.Evidence, OperationState.Succeeded, null, Noon) : null, Noon, Noon);
        var number = type switch { PaymentEventTypes.DisputeFundsWithdrawn => 1, PaymentEventTypes.DisputeFundsReinstated => 2, _ => 0 };
        var view = View(payment, merchant, 3) with { Status = PaymentStatus.Disputed, AmountCaptured = 5_000, AuthorizedAt = Noon, CapturedAt = Noon };
        var data = new PaymentEventData(view, null, null) { Dispute = dispute, Moved = number == 0 ? null : new DisputeMovementFact(number, 5_000, 0, 1_500, "USD") { MerchantBearsFee = true } };
        return new(Ids.New<EventId>(), type, payment, merchant, Mode.Test, 3, Noon, data);
    }

    private static PaymentEvent ReviewDecided()
    {
        var (payment, merchant) = (Ids.New<PaymentId>(), Ids.New<MerchantId>());
        var view = View(payment, merchant, 3) with
        {
            Status = PaymentStatus.Authorized,
            AmountCapturable = 5_000,
            AuthorizedAt = Noon,
            Authentication = new(ThreeDSecureRequest.NoPreference, null, AuthenticationResult.Authenticated, AuthenticationFlow.Frictionless, "05", "2.2.0", true),
            Review = new(ReviewStatus.Approved, true, Noon),
        };
        return new(Ids.New<EventId>(), PaymentEventTypes.ReviewDecided, payment, merchant, Mode.Test, 3, Noon, new(view, null, null));
    }

    private static PaymentView View(PaymentId payment, MerchantId merchant, long version) => new()
    {
        Id = payment.ToString(),
        MerchantId = merchant.ToString(),
        Mode = Mode.Test,
        Status = PaymentStatus.Created,
        Amount = 5_000,
        AmountCapturable = 0,
        AmountCaptured = 0,
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
        Version = version,
    };

    /// <summary>A database of its own with the given pieces of plumbing in it: not a copy, because a publisher's log is told from others by what its migration draws.</summary>
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
