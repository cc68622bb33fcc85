using Payments.Fraud.Features;

namespace Payments.Fraud.Handbook;

/// <summary>
/// The handbook's protocol: train on seven days, wait seven days until their outcomes are known, test on seven days. Days are counted
/// from 2018-04-01.
/// </summary>
internal sealed record ProtocolB(int TestFrom)
{
    public const int Days = 7;

    public const long LabelDelay = Days * FeatureState.Day;

    public static readonly DateOnly Epoch = new(2018, 4, 1);

    /// <summary>First day after the training data.</summary>
    public int TrainTo => TestFrom - Days;

    public DateOnly TestDate => Epoch.AddDays(TestFrom);

    public static int DayOf(in LabelledPayment payment) => (int)(payment.Payment.At / FeatureState.Day);

    /// <summary>
    /// Indices of the test's payments. Cards that were misused in the seven training days, or later on a day whose frauds are known
    /// when the day of the test begins (eight days before it, as the handbook's own code has it), are blocked and no longer count.
    /// </summary>
    public IReadOnlyList<int> Test(LabelledPayment[] stream)
    {
        var blocked = new Dictionary<long, int>();
        var test = new List<int>();
        for (var i = 0; i < stream.Length; i++)
        {
            var day = DayOf(stream[i]);
            if (stream[i].Fraud && day >= TrainTo - Days && day < TestFrom)
            {
                blocked.TryAdd(stream[i].Payment.Card, day);
            }

            if (day >= TestFrom && day < TestFrom + Days && !(blocked.TryGetValue(stream[i].Payment.Card, out var misused) && misused <= day - Days - 1))
            {
                test.Add(i);
            }
        }

        return test;
    }
}
