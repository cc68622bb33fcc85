using Payments.Simulators.Adyen;
using Payments.Simulators.Disputes;
using Payments.Simulators.Stripe;
using Payments.Simulators.Webhooks;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Books;

/// <summary>
/// The providers' books: everything in memory behind one lock, every change first in the journal. Work done under the lock is
/// microseconds; waiting for a provider's latency happens outside it.
/// </summary>
public sealed class BookStore : IDisposable
{
    private readonly Lock gate = new();
    private readonly Journal journal;
    private readonly TimeProvider clock;
    private readonly Queue<(string Id, DateTimeOffset Created)> answersByAge = new();

    public BookStore(Journal journal, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(journal);
        this.journal = journal;
        this.clock = clock;
        journal.Replay((line, position) => Apply(line.Put, position));
    }

    /// <summary>Tells of things that must happen later: deliveries and pending turns just written.</summary>
    public event Action<Entity>? Due;

    internal Shelf<Charge> Charges { get; } = new();

    internal Shelf<StoredCard> Cards { get; } = new();

    internal Shelf<StoredAnswer> Answers { get; } = new();

    internal Shelf<PendingTurn> Turns { get; } = new();

    internal Shelf<Delivery> Deliveries { get; } = new();

    internal Shelf<PaymentIntent> PaymentIntents { get; } = new();

    internal Shelf<StripeCustomer> Customers { get; } = new();

    internal Shelf<StripeEvent> Events { get; } = new();

    internal Shelf<BalanceTransaction> BalanceTransactions { get; } = new();

    internal Shelf<AdyenNotification> Notifications { get; } = new();

    internal Shelf<AdyenSession> Sessions { get; } = new();

    internal Shelf<IssuerDispute> Disputes { get; } = new();

    internal Shelf<EvidenceFile> EvidenceFiles { get; } = new();

    /// <summary>Refund id to the charge that holds it.</summary>
    internal Dictionary<string, string> ChargeOfRefund { get; } = [];

    /// <summary>Provider and merchant's reference to the charges made under it, oldest first.</summary>
    internal Dictionary<(string Provider, string Reference), List<string>> ChargesOfReference { get; } = [];

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>Runs <paramref name="work"/> on a consistent view; what it put is durable when this returns.</summary>
    public T Write<T>(Func<Transaction, T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        IReadOnlyList<Entity> written;
        T result;
        lock (gate)
        {
            var transaction = new Transaction(this);
            result = work(transaction);
            written = transaction.Written;
            if (written.Count > 0)
            {
                Apply(written, journal.Append(new JournalLine(Now, written)));
            }
        }

        foreach (var entity in written)
        {
            if (entity is Delivery or PendingTurn && !entity.IsGone)
            {
                Due?.Invoke(entity);
            }
        }

        return result;
    }

    public T Read<T>(Func<BookStore, T> look)
    {
        ArgumentNullException.ThrowIfNull(look);
        lock (gate)
        {
            return look(this);
        }
    }

    /// <summary>The answer as it was once given, read back from the journal: memory keeps only where it stands.</summary>
    internal StoredAnswer Recall(StoredAnswer answer)
    {
        lock (gate)
        {
            return journal.Read(answer.Position).Put.OfType<StoredAnswer>().Last(a => a.Id == answer.Id);
        }
    }

    public void Dispose() => journal.Dispose();

    private void Apply(IReadOnlyList<Entity> put, JournalPosition position)
    {
        foreach (var entity in put)
        {
            switch (entity)
            {
                case Charge charge:
                    Index(charge);
                    Charges.Put(charge);
                    foreach (var refund in charge.Refunds)
                    {
                        ChargeOfRefund[refund.Id] = charge.Id;
                    }

                    break;
                case StoredCard card: Cards.Put(card); break;
                case StoredAnswer answer:
                    Answers.Put(answer with { Text = null, Deflated = null, Position = position });
                    answersByAge.Enqueue((answer.Id, answer.Created));
                    ForgetOldAnswers();
                    break;
                case PendingTurn turn: Turns.Put(turn); break;
                case Delivery delivery: Deliveries.Put(delivery); break;
                case PaymentIntent intent: PaymentIntents.Put(intent); break;
                case StripeCustomer customer: Customers.Put(customer); break;
                case StripeEvent happened: Events.Put(happened with { Snapshot = SnapshotFor(happened, put) }); break;
                case BalanceTransaction transaction: BalanceTransactions.Put(transaction); break;
                case AdyenNotification notification: Notifications.Put(notification); break;
                case AdyenSession session: Sessions.Put(session); break;
                case IssuerDispute dispute: Disputes.Put(dispute); break;
                case EvidenceFile file: EvidenceFiles.Put(file); break;
                default: throw new InvalidDataException($"The journal holds an unknown {entity.GetType().Name}.");
            }
        }
    }

    private void Index(Charge charge)
    {
        if (charge.Reference is null || Charges.Find(charge.Id) is not null)
        {
            return;
        }

        if (!ChargesOfReference.TryGetValue((charge.Provider, charge.Reference), out var charges))
        {
            ChargesOfReference.Add((charge.Provider, charge.Reference), charges = []);
        }

        charges.Add(charge.Id);
    }

    /// <summary>An answer older than any key's lifetime will never be asked for; what is in the journal may stay there.</summary>
    private void ForgetOldAnswers()
    {
        while (answersByAge.TryPeek(out var oldest) && Now - oldest.Created >= Dialect.LongestKeyLifetime)
        {
            answersByAge.Dequeue();
            if (Answers.Find(oldest.Id) is { } answer && answer.Created == oldest.Created)
            {
                Answers.Put(answer with { Pruned = true });
            }
        }
    }

    /// <summary>
    /// An event shows its object as it was then. Entities are immutable, so the event just holds on to the version that stands in
    /// its own journal line, or else the current one.
    /// </summary>
    private Entity? SnapshotFor(StripeEvent happened, IReadOnlyList<Entity> put) =>
        put.LastOrDefault(e => e.Id == happened.About)
        ?? (Entity?)PaymentIntents.Find(happened.About)
        ?? Charges.Find(happened.About)
        ?? (Entity?)Disputes.Find(happened.About);
}
