using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>Gradient boosting with logistic loss over histograms.</summary>
public sealed class HistogramTrainer : IEnsembleTrainer
{
    public string Name => "histogram";

    public TrainedTrees Train(
        TrainingRows rows, TrainingRows? setAside, TrainingOptions options, Action<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(options);
        var weights = new double[rows.Count];
        double fraud = 0, all = 0;
        for (var row = 0; row < rows.Count; row++)
        {
            weights[row] = rows.Weights[row] * (rows.Labels[row] ? options.FraudWeight : 1);
            all += weights[row];
            fraud += rows.Labels[row] ? weights[row] : 0;
        }

        if (fraud <= 0 || fraud >= all)
        {
            throw new ArgumentException("Training needs frauds and good payments.", nameof(rows));
        }

        var start = Math.Log(fraud / (all - fraud));
        var grower = new TreeGrower(BinnedRows.Of(rows, options.MaxBins, options.Threads, cancellationToken), rows, options, cancellationToken);
        var random = new SplitMix(options.Seed);
        var raw = Filled(rows.Count, start);
        var aside = setAside is null ? [] : Filled(setAside.Count, start);
        var (gradients, hessians) = (new float[rows.Count], new float[rows.Count]);
        var order = new int[rows.Count];
        var trees = new List<DecisionTree>();
        double leastLoss = double.PositiveInfinity;
        var best = 0;

        for (var round = 1; round <= options.Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var seen = Derive(rows, weights, raw, gradients, hessians, order, options.RowShare, random);
            var tree = grower.Grow(order.AsSpan(0, seen), Features(rows.Columns, options.FeatureShare, random), gradients, hessians);
            trees.Add(tree);
            Advance(tree, rows, raw, options.Threads);

            var loss = double.NaN;
            if (setAside is not null)
            {
                Advance(tree, setAside, aside, options.Threads);
                loss = LogisticLoss.Mean(setAside, aside);
                (leastLoss, best) = loss < leastLoss ? (loss, round) : (leastLoss, best);
            }

            progress?.Invoke(new(round, options.Rounds, loss));
            if (setAside is not null && options.PatienceRounds > 0 && round - best >= options.PatienceRounds)
            {
                break;
            }
        }

        return new(start, setAside is not null && options.PatienceRounds > 0 ? trees.GetRange(0, best) : trees);
    }

    private static double[] Filled(int count, double value)
    {
        var filled = new double[count];
        Array.Fill(filled, value);
        return filled;
    }

    /// <summary>Derivatives of the loss by the raw score, for the rows that this round sees; good ones left out are made up for by weight.</summary>
    private static int Derive(
        TrainingRows rows, double[] weights, double[] raw, float[] gradients, float[] hessians, int[] order, double share, SplitMix random)
    {
        var seen = 0;
        for (var row = 0; row < rows.Count; row++)
        {
            var fraud = rows.Labels[row];
            if (!fraud && share < 1 && random.NextDouble() >= share)
            {
                continue;
            }

            var probability = 1 / (1 + Math.Exp(-raw[row]));
            var weight = fraud || share >= 1 ? weights[row] : weights[row] / share;
            gradients[row] = (float)(weight * (probability - (fraud ? 1 : 0)));
            hessians[row] = (float)(weight * probability * (1 - probability));
            order[seen++] = row;
        }

        return seen;
    }

    private static int[] Features(int columns, double share, SplitMix random)
    {
        var features = Enumerable.Range(0, columns).ToArray();
        var wanted = Math.Clamp((int)Math.Ceiling(columns * share), 1, columns);
        if (wanted == columns)
        {
            return features;
        }

        for (var i = 0; i < wanted; i++)
        {
            var other = i + random.Next(columns - i);
            (features[i], features[other]) = (features[other], features[i]);
        }

        var chosen = features[..wanted];
        Array.Sort(chosen);
        return chosen;
    }

    private static void Advance(DecisionTree tree, TrainingRows rows, double[] raw, int threads)
    {
        var part = (rows.Count + threads - 1) / threads;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
        {
            for (var row = thread * part; row < Math.Min(rows.Count, (thread + 1) * part); row++)
            {
                raw[row] += tree.Evaluate(rows[row]);
            }
        });
    }
}
