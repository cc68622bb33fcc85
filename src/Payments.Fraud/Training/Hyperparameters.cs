namespace Payments.Fraud.Training;

/// <summary>Chosen on weeks of July 2018 of the handbook's data, which no test week reaches back to; see docs/fraud-model.md.</summary>
public static class Hyperparameters
{
    /// <summary>Some hundred frauds.</summary>
    public static TrainingOptions Week { get; } = new()
    {
        Rounds = 300,
        LearningRate = 0.03,
        MaxLeaves = 8,
        MaxDepth = 6,
        FeatureShare = 0.4,
        RowShare = 0.3,
        L2 = 10,
        MinLeafRows = 5,
        MinLeafHessian = 0.3,
    };

    /// <summary>Some thousand frauds.</summary>
    public static TrainingOptions LongHistory { get; } = new()
    {
        Rounds = 400,
        LearningRate = 0.025,
        MaxLeaves = 16,
        MaxDepth = 8,
        FeatureShare = 0.4,
        RowShare = 0.5,
        L2 = 10,
        MinLeafRows = 40,
    };
}
