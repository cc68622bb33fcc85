namespace Payments.Fraud.Features;

/// <summary>What providers and issuers answered to a party's payments: the newest ones, in the order in which they came.</summary>
internal sealed class Answers(int most)
{
    public const long Horizon = 30 * FeatureState.Day;

    private readonly Recent<Answer> recent = new(most);

    public void Observe(PaymentAnswer kind, long at)
    {
        while (recent.Count > 0 && recent[0].At <= at - Horizon)
        {
            recent.RemoveOldest();
        }

        recent.Add(new(at, kind));
    }

    /// <summary>How many of one kind came in a window that ends now.</summary>
    public int Count(PaymentAnswer kind, long at, long window)
    {
        var count = 0;
        for (var i = recent.Count - 1; i >= 0 && at - recent[i].At < window; i--)
        {
            count += recent[i].Kind == kind ? 1 : 0;
        }

        return count;
    }

    /// <summary>Declines among approvals and declines; unknown without any.</summary>
    public float DeclineShare(long at, long window)
    {
        var (declined, approved) = (Count(PaymentAnswer.Declined, at, window), Count(PaymentAnswer.Approved, at, window));
        return declined + approved == 0 ? float.NaN : (float)declined / (declined + approved);
    }

    public long LastAuthentication(long at)
    {
        for (var i = recent.Count - 1; i >= 0 && at - recent[i].At < Horizon; i--)
        {
            if (recent[i].Kind is PaymentAnswer.Authenticated or PaymentAnswer.NotAuthenticated)
            {
                return recent[i].At;
            }
        }

        return Outcomes.Never;
    }

    private readonly record struct Answer(long At, PaymentAnswer Kind);
}
