using Payments.Simulators.Cards;
using Payments.Simulators.Disputes;
using Payments.Simulators.Stripe;

namespace Payments.Simulators.Books;

/// <summary>One request's view of the books and what it changes. Used under the store's lock only.</summary>
public sealed class Transaction
{
    private readonly BookStore books;
    private readonly List<Entity> written = [];

    internal Transaction(BookStore books)
    {
        this.books = books;
        Now = books.Now;
    }

    public DateTimeOffset Now { get; }

    internal BookStore Books => books;

    internal IReadOnlyList<Entity> Written => written;

    public Charge? Charge(string? id) => Own<Charge>(id) ?? books.Charges.Find(id);

    /// <summary>Charges under a merchant's reference, oldest first.</summary>
    public IEnumerable<Charge> ChargesOf(string provider, string reference) =>
        books.ChargesOfReference.TryGetValue((provider, reference), out var ids) ? ids.Select(Charge).OfType<Charge>() : [];

    public PaymentIntent? PaymentIntent(string? id) => Own<PaymentIntent>(id) ?? books.PaymentIntents.Find(id);

    public StoredCard? Card(string? id) => Own<StoredCard>(id) ?? books.Cards.Find(id);

    public StripeCustomer? Customer(string? id) => Own<StripeCustomer>(id) ?? books.Customers.Find(id);

    public BalanceTransaction? BalanceTransaction(string? id) => Own<BalanceTransaction>(id) ?? books.BalanceTransactions.Find(id);

    public IssuerDispute? Dispute(string? id) => Own<IssuerDispute>(id) ?? books.Disputes.Find(id);

    public EvidenceFile? EvidenceFile(string? id) => Own<EvidenceFile>(id) ?? books.EvidenceFiles.Find(id);

    public T Put<T>(T entity)
        where T : Entity
    {
        ArgumentNullException.ThrowIfNull(entity);
        written.RemoveAll(e => e.Id == entity.Id && e is T);
        written.Add(entity);
        return entity;
    }

    private T? Own<T>(string? id)
        where T : Entity =>
        id is null ? null : written.OfType<T>().LastOrDefault(e => e.Id == id);
}
