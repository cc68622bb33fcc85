using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>What training makes small.</summary>
public static class LogisticLoss
{
    /// <summary>The weighted mean over rows with these raw scores.</summary>
    public static double Mean(TrainingRows rows, ReadOnlySpan<double> raw)
    {
        ArgumentNullException.ThrowIfNull(rows);
        double loss = 0, weight = 0;
        for (var row = 0; row < rows.Count; row++)
        {
            // ln(1 + e^x) without overflow; x is the raw score against the label.
            var against = rows.Labels[row] ? -raw[row] : raw[row];
            loss += rows.Weights[row] * (Math.Max(against, 0) + Math.Log(1 + Math.Exp(-Math.Abs(against))));
            weight += rows.Weights[row];
        }

        return loss / weight;
    }

    /// <summary>With how many of the trees, in their order, the loss on the rows is least.</summary>
    public static int BestLength(double start, IReadOnlyList<DecisionTree> trees, TrainingRows rows)
    {
        ArgumentNullException.ThrowIfNull(trees);
        ArgumentNullException.ThrowIfNull(rows);
        var raw = new double[rows.Count];
        Array.Fill(raw, start);
        var (best, least) = (0, Mean(rows, raw));
        for (var length = 1; length <= trees.Count; length++)
        {
            for (var row = 0; row < raw.Length; row++)
            {
                raw[row] += trees[length - 1].Evaluate(rows[row]);
            }

            var loss = Mean(rows, raw);
            (best, least) = loss < least ? (length, loss) : (best, least);
        }

        return best;
    }
}
