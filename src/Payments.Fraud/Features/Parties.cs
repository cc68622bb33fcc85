namespace Payments.Fraud.Features;

internal interface IParty
{
    /// <summary>When it last paid, or when something was last learnt of it.</summary>
    long LastAt { get; }
}

/// <summary>Parties of one kind by key. What is asked of an unknown one is answered by one that has done nothing.</summary>
internal sealed class Parties<T>
    where T : class, IParty, new()
{
    private static readonly T Unknown = new();

    private readonly Dictionary<long, T> known = [];

    public int Count => known.Count;

    /// <summary>To be read only.</summary>
    public T Find(long key) => known.GetValueOrDefault(key) ?? Unknown;

    public T Of(long key)
    {
        if (!known.TryGetValue(key, out var party))
        {
            known.Add(key, party = new());
        }

        return party;
    }

    public void CollectAges(List<long> ages)
    {
        foreach (var party in known.Values)
        {
            ages.Add(party.LastAt);
        }
    }

    public void ForgetOlderThan(long moment)
    {
        foreach (var (key, party) in known)
        {
            if (party.LastAt < moment)
            {
                known.Remove(key);
            }
        }
    }
}

/// <summary>A card or a merchant: all that is known of the party matters.</summary>
internal abstract class Payer(int mostAnswers) : IParty
{
    private long learntAt = Features.Outcomes.Never;

    public Spending Payments { get; } = new();

    public Outcomes Outcomes { get; } = new(Spending.Most);

    public Answers Answers { get; } = new(mostAnswers);

    public long LastAt => Math.Max(Payments.LastAt, learntAt);

    public void Touch(long at) => learntAt = at;
}

internal sealed class Card() : Payer(64)
{
    /// <summary>Made when the first payment tells of them.</summary>
    public Surroundings? Surroundings { get; set; }
}

internal sealed class Merchant() : Payer(256);
