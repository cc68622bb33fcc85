using Npgsql;
using Payments.Api;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;

namespace Payments.IntegrationTests.Flow;

/// <summary>A database of its own with the payment tables, and what writes them.</summary>
internal sealed class FlowDatabase : IAsyncDisposable
{
    public static readonly ProviderLimits Everything = new(PartialCapture: true, MultipleCaptures: true, VoidAfterPartialCapture: true);

    private readonly OutboxSignal signal = new();

    private FlowDatabase(string connectionString)
    {
        var source = CommitChanges.Connect(connectionString);
        ConnectionString = connectionString;
        Source = source;
        Commit = new CommitChanges(source, new Deadlines(), signal);
        Writer = new PaymentWriter(Commit, Ids, TimeProvider.System);
        Store = new PaymentStore(source);
    }

    public string ConnectionString { get; }

    public NpgsqlDataSource Source { get; }

    public CommitChanges Commit { get; }

    public PaymentWriter Writer { get; }

    public PaymentStore Store { get; }

    public IdSource Ids { get; } = new(TimeProvider.System);

    public static async Task<FlowDatabase> CreateAsync(EmbeddedServers servers, CancellationToken cancellationToken) =>
        new(await servers.CreateDatabaseAsync(Shapes.Api, cancellationToken));

    public async Task<long> CountAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async Task RunAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public NewOperation New(string? key = null) =>
        new(Ids.New<OperationId>(), Ids.New<AttemptId>(), Now()) { RequestKey = key is null ? null : new RequestKey(KeyClass.Secret, key) };

    /// <summary>PostgreSQL keeps microseconds.</summary>
    public static DateTimeOffset Now() => new(TimeProvider.System.GetUtcNow().Ticks / 10 * 10, TimeSpan.Zero);

    /// <summary>A new payment with one open attempt, and the change that writes it.</summary>
    public Change Opened(MerchantId merchant, string key, long amount = 10_000, long? most = null)
    {
        var opened = New(key);
        var payment = Opening.Payment(
            new PaymentState(
                Ids.New<PaymentId>(), merchant, Mode.Test, new Money(amount, Currency.Of("USD")),
                new PaymentDetails(
                    CaptureMethod.Manual, new PaymentMethodView("card", "visa", "4242", "US", "credit", Ids.New<TokenId>().ToString()), 1, new Price(29_000, 30),
                    "order-1", null, null, null, null, new Dictionary<string, string> { ["a"] = "b" }))
            {
                Risk = new RiskView(3, FraudVerdict.Approve, ["new_card"]),
            },
            opened, new NewAttempt(opened.AttemptId, Provider.Stripe, new Price(20_000, 10)));
        return new Change(0, payment, payment.Operations, [])
        {
            Claim = new Claim(opened.RequestKey!, new byte[32], opened.Id),
            Volume = Changes.VolumeOf(payment, amount, most),
        };
    }

    public async Task<PaymentState> CapturedAsync(MerchantId merchant, string key, long amount = 10_000)
    {
        var change = Opened(merchant, key, amount);
        await Writer.WriteAsync(change);
        var authorized = await TellAsync(change.After, OperationKind.Authorize, FactOutcome.Succeeded);
        var opened = Opening.Capture(authorized, null, true, Everything, New()).Payment!;
        await Writer.WriteAsync(Changes.Between(authorized, opened, []));
        return await TellAsync(opened, OperationKind.Capture, FactOutcome.Succeeded);
    }

    public async Task<PaymentState> TellAsync(PaymentState payment, OperationKind kind, FactOutcome outcome)
    {
        var fact = new Fact(kind, outcome, Provider.Stripe, Ids.New<OperationId>(), Now())
        {
            AttemptId = payment.Operations.Last(o => o.Kind == kind).Current!.Id,
            PaymentReference = $"pi_{payment.Id}",
        };
        var applied = (Application.Applied)Applying.Apply(payment, fact);
        var verdict = await Writer.WriteAsync(Changes.Between(payment, applied.Payment, applied.Happenings));
        Xunit.Assert.Equal(Verdict.Committed, verdict);
        return applied.Payment;
    }

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await Source.DisposeAsync();
        signal.Dispose();
    }
}
