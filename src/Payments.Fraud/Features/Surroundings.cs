namespace Payments.Fraud.Features;

/// <summary>With which addresses and devices a card was lately used.</summary>
internal sealed class Surroundings
{
    private const int Most = 64;

    private readonly Recent<Use> recent = new(Most);

    public void Observe(in PaymentFact payment) => recent.Add(new(payment.At, payment.Ip, payment.Device, payment.Email));

    public void Describe(long at, ref FeatureWriter writer)
    {
        writer.Add(Different(at, FeatureState.Day, u => u.Ip));
        writer.Add(Different(at, 7 * FeatureState.Day, u => u.Device));
        writer.Add(Different(at, 30 * FeatureState.Day, u => u.Email));
    }

    private int Different(long at, long window, Func<Use, long> of)
    {
        Span<long> seen = stackalloc long[Most];
        var count = 0;
        for (var i = recent.Count - 1; i >= 0 && at - recent[i].At < window; i--)
        {
            var key = of(recent[i]);
            if (key != 0 && !seen[..count].Contains(key))
            {
                seen[count++] = key;
            }
        }

        return count;
    }

    private readonly record struct Use(long At, long Ip, long Device, long Email);
}
