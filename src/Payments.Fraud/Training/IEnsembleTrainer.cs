using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>What a trainer learns from: columns of numbers (NaN is unknown), labels, and what each row weighs.</summary>
/// <param name="Values">Row by row.</param>
public sealed record TrainingRows(ReadOnlyMemory<float> Values, int Columns, bool[] Labels, float[] Weights)
{
    public int Count => Labels.Length;

    public ReadOnlySpan<float> this[int row] => Values.Span.Slice(row * Columns, Columns);
}

/// <summary>How to train; defaults suit some hundred frauds.</summary>
public sealed record TrainingOptions
{
    public int Rounds { get; init; } = 200;

    public double LearningRate { get; init; } = 0.05;

    public int MaxLeaves { get; init; } = 12;

    public int MaxDepth { get; init; } = 6;

    public int MinLeafRows { get; init; } = 20;

    /// <summary>Least sum of second derivatives in a leaf.</summary>
    public double MinLeafHessian { get; init; } = 1;

    public double L2 { get; init; } = 1;

    /// <summary>Share of the rows that each tree sees; frauds are always seen.</summary>
    public double RowShare { get; init; } = 1;

    /// <summary>Share of the features that each tree may use.</summary>
    public double FeatureShare { get; init; } = 1;

    /// <summary>A fraud weighs so many times its weight.</summary>
    public double FraudWeight { get; init; } = 1;

    /// <summary>Stops when the loss on rows set aside has not fallen for so many rounds; 0 never stops early.</summary>
    public int PatienceRounds { get; init; }

    public int MaxBins { get; init; } = 128;

    public long Seed { get; init; } = 1;

    public int Threads { get; init; } = 2;
}

/// <summary>Trees with the base they are added to; as many as paid off.</summary>
public sealed record TrainedTrees(double Base, IReadOnlyList<DecisionTree> Trees);

/// <summary>A round is done.</summary>
/// <param name="Loss">Mean logistic loss on the rows set aside, NaN without any.</param>
public readonly record struct TrainingProgress(int Round, int Rounds, double Loss);

/// <summary>Makes an ensemble for logistic loss from labelled rows. The same rows, options and seed make the same trees.</summary>
public interface IEnsembleTrainer
{
    /// <summary>Its name on the command line and in model files.</summary>
    string Name { get; }

    TrainedTrees Train(TrainingRows rows, TrainingRows? setAside, TrainingOptions options, Action<TrainingProgress>? progress, CancellationToken cancellationToken);
}
