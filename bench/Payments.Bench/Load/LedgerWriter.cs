using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;
using Payments.Platform.Outbox;

namespace Payments.Bench.Load;

/// <summary>What was posted.</summary>
internal readonly record struct Posted(long Journals, long Movements)
{
    public static Posted operator +(Posted a, Posted b) => new(a.Journals + b.Journals, a.Movements + b.Movements);
}

/// <summary>
/// Posts the events of complete sales as the ledger's consumer does: drafted from the event, in one transaction a batch. It has
/// partitions of its own, like one of several replicas.
/// </summary>
/// <param name="of">How many writers there are.</param>
internal sealed class LedgerWriter(NpgsqlDataSource database, IdSource ids, int number, int of) : IDisposable
{
    private const string Currency = "USD";
    private const long Version = 2;
    private static readonly Price Commission = new(29_000, 30);
    private static readonly Price Cost = new(18_000, 10);

    private readonly long[] sequences = new long[LogicalPartition.Count];
    private NpgsqlConnection? connection;
    private int sales;

    public Posted Posted { get; private set; }

    public async Task PostAsync(int size, MerchantId[] merchants, CancellationToken cancellationToken)
    {
        connection ??= await database.OpenConnectionAsync(cancellationToken);
        var journals = new JournalDraft[size];
        for (var i = 0; i < size; i++)
        {
            journals[i] = Draft(merchants);
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var verdicts = await JournalWriter.PostAsync(connection, transaction, journals, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Invariant.Holds(verdicts.All(v => v == PostingVerdict.Posted), "every journal is posted");
        Posted += new Posted(size, journals.Sum(j => j.Lines.Count(l => l.Action == LineAction.Post)));
    }

    public void Dispose() => connection?.Dispose();

    private JournalDraft Draft(MerchantId[] merchants)
    {
        var happened = Sold(merchants[(int)((uint)(++sales * 2_654_435_761L) % (uint)merchants.Length)]);
        var partition = LogicalPartition.Of(happened.PaymentId);
        return JournalDraft.Of(happened, partition, ++sequences[partition]) ?? throw new InvariantException("a sale is posted");
    }

    /// <summary>The event of a sale: the capture, and the authorization that came with it.</summary>
    private PaymentEvent Sold(MerchantId merchant)
    {
        PaymentId payment;
        do
        {
            payment = ids.New<PaymentId>();
        }
        while (LogicalPartition.Of(payment) % of != number);

        var amount = 500 + (sales % 100_000);
        var at = TimeProvider.System.GetUtcNow();
        var view = new PaymentView
        {
            Id = payment.ToString(),
            MerchantId = merchant.ToString(),
            Mode = Mode.Test,
            Status = PaymentStatus.Captured,
            Amount = amount,
            AmountCapturable = 0,
            AmountCaptured = amount,
            AmountRefunded = 0,
            Currency = Currency,
            CaptureMethod = CaptureMethod.Automatic,
            PaymentMethod = new("card", "visa", "4242", "US", "credit", null),
            Provider = sales % 2 == 0 ? Provider.Stripe : Provider.Adyen,
            Risk = new(10, FraudVerdict.Approve, []),
            CreatedAt = at,
            Version = Version,
        };
        OperationFact Operation(OperationKind kind) => new(
            ids.New<OperationId>().ToString(), kind, OperationState.Succeeded, amount, Currency, ids.New<AttemptId>().ToString(), view.Provider, "reference", null, 0, 0, kind == OperationKind.Capture);
        var fees = new CaptureFees(1, Commission.Of(amount, true), Cost.Of(amount, true));
        return new(
            ids.New<EventId>(), PaymentEventTypes.Captured, payment, merchant, Mode.Test, Version, at,
            new(view, Operation(OperationKind.Capture), fees) { Authorization = Operation(OperationKind.Authorize) });
    }
}
