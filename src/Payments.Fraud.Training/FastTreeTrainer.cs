using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers.FastTree;
using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>
/// ML.NET's FastTree behind the trainer interface. Only its trees are used: they are scored by our own scorer, because ML.NET's
/// prediction engine must not be shared by threads.
/// </summary>
public sealed class FastTreeTrainer : IEnsembleTrainer
{
    /// <summary>FastTree leaves out rows with unknown values; a value below all others keeps them, and every threshold lies above it.</summary>
    private const float Unknown = -1e30f;

    public string Name => "fasttree";

    public TrainedTrees Train(
        TrainingRows rows, TrainingRows? setAside, TrainingOptions options, Action<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        var seed = (int)(options.Seed & int.MaxValue);
        var machineLearning = new MLContext(seed);
        var trainer = machineLearning.BinaryClassification.Trainers.FastTree(new FastTreeBinaryTrainer.Options
        {
            LabelColumnName = nameof(Row.Label),
            FeatureColumnName = nameof(Row.Features),
            ExampleWeightColumnName = nameof(Row.Weight),
            NumberOfTrees = options.Rounds,
            NumberOfLeaves = options.MaxLeaves,
            MinimumExampleCountPerLeaf = options.MinLeafRows,
            LearningRate = options.LearningRate,
            FeatureFraction = options.FeatureShare,
            MaximumBinCountPerFeature = options.MaxBins,
            NumberOfThreads = options.Threads,
            Seed = seed,
            FeatureSelectionSeed = seed,
        });

        progress?.Invoke(new(0, options.Rounds, double.NaN));
        var model = trainer.Fit(Data(machineLearning, rows, options.FraudWeight)).Model;
        cancellationToken.ThrowIfCancellationRequested();

        // The calibrator holds FastTree's own link: p = 1 / (1 + exp(slope · score + offset)), so the log-odds are −(slope · score + offset).
        var scale = -model.Calibrator.Slope;
        var ensemble = model.SubModel.TrainedTreeEnsemble;
        var start = scale * ensemble.Bias - model.Calibrator.Offset;
        var trees = ensemble.Trees.Select((tree, i) => Tree(tree, scale * ensemble.TreeWeights[i], rows)).ToList();
        var best = setAside is null || options.PatienceRounds == 0 ? trees.Count : LogisticLoss.BestLength(start, trees, setAside);
        progress?.Invoke(new(options.Rounds, options.Rounds, double.NaN));
        return new(start, trees.GetRange(0, best));
    }

    private static DecisionTree Tree(RegressionTree tree, double scale, TrainingRows rows)
    {
        if (tree.CategoricalSplitFlags.Any(categorical => categorical))
        {
            throw new InvalidOperationException("The model file has no categorical comparisons, and none were asked for.");
        }

        // At most the threshold goes left: so does what is unknown, since it was trained as the smallest of values.
        var arrays = new SplitArrays(
            tree.LeftChild, tree.RightChild, tree.NumericalSplitFeatureIndexes, tree.NumericalSplitThresholds, tree.LeafValues, MissingLeft: true);
        return arrays.ToTree(scale).WithCovers(rows);
    }

    private static IDataView Data(MLContext machineLearning, TrainingRows rows, double fraudWeight)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, rows.Columns);
        return machineLearning.Data.LoadFromEnumerable(All(), schema);

        IEnumerable<Row> All()
        {
            for (var i = 0; i < rows.Count; i++)
            {
                yield return new()
                {
                    Label = rows.Labels[i],
                    Weight = (float)(rows.Weights[i] * (rows.Labels[i] ? fraudWeight : 1)),
                    Features = Array.ConvertAll(rows[i].ToArray(), value => float.IsNaN(value) ? Unknown : value),
                };
            }
        }
    }

    private sealed class Row
    {
        public bool Label { get; set; }

        public float Weight { get; set; }

        public float[] Features { get; set; } = [];
    }
}
