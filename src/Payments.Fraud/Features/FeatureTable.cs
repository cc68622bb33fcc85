using Payments.Fraud.Training;

namespace Payments.Fraud.Features;

/// <summary>A payment of a stored stream whose outcome is known by now.</summary>
public readonly record struct LabelledPayment(long Id, PaymentFact Payment, bool Fraud);

/// <summary>Rows of a stored stream's features with their labels, as training and evaluation take them.</summary>
public sealed class FeatureTable
{
    private readonly float[] values;

    private FeatureTable(float[] values, int[] source, bool[] labels, float[] weights)
    {
        this.values = values;
        Source = source;
        Labels = labels;
        Weights = weights;
    }

    public int Rows => Source.Length;

    public static int Columns => FeatureCatalogue.StreamCount;

    /// <summary>Of each row, the index of its payment in the stream.</summary>
    public int[] Source { get; }

    public bool[] Labels { get; }

    public float[] Weights { get; }

    /// <summary>The row of a payment of the stream that was kept.</summary>
    public int RowOf(int source)
    {
        var row = Array.BinarySearch(Source, source);
        return row >= 0 ? row : throw new ArgumentOutOfRangeException(nameof(source), source, "No row was kept of this payment.");
    }

    /// <summary>A copy of the rows whose payments are wanted.</summary>
    public TrainingRows Select(Func<int, bool> wanted)
    {
        var rows = Enumerable.Range(0, Rows).Where(row => wanted(Source[row])).ToArray();
        var copy = new float[rows.Length * Columns];
        for (var i = 0; i < rows.Length; i++)
        {
            this[rows[i]].CopyTo(copy.AsSpan(i * Columns));
        }

        return new(copy, Columns, Array.ConvertAll(rows, r => Labels[r]), Array.ConvertAll(rows, r => Weights[r]));
    }

    public ReadOnlySpan<float> this[int row] => values.AsSpan(row * Columns, Columns);

    /// <summary>
    /// Replays a stream, oldest first. Outcomes become known <paramref name="labelDelay"/> seconds after their payment: at the very
    /// second they count for a payment. <paramref name="weightOf"/> says how much a row weighs; with 0 it is replayed but not kept.
    /// </summary>
    public static FeatureTable Replay(
        ReadOnlySpan<LabelledPayment> stream, long labelDelay, Func<int, float> weightOf, Action<double>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(weightOf);
        var weights = new float[stream.Length];
        var kept = 0;
        for (var i = 0; i < stream.Length; i++)
        {
            kept += (weights[i] = weightOf(i)) > 0 ? 1 : 0;
        }

        var table = new FeatureTable(new float[(long)kept * Columns], new int[kept], new bool[kept], new float[kept]);
        var state = new FeatureState();
        var traces = new PaymentTrace[stream.Length];
        int row = 0, learnt = 0;
        for (var i = 0; i < stream.Length; i++)
        {
            if (i % 65_536 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress?.Invoke((double)i / stream.Length);
            }

            var payment = stream[i].Payment;
            if (i > 0 && payment.At < stream[i - 1].Payment.At)
            {
                throw new ArgumentException($"Payment {stream[i].Id} is older than the one before it.", nameof(stream));
            }

            for (; learnt < i && stream[learnt].Payment.At + labelDelay <= payment.At; learnt++)
            {
                state.Learn(traces[learnt], stream[learnt].Fraud, stream[learnt].Payment.At + labelDelay);
            }

            if (weights[i] > 0)
            {
                state.Describe(payment, table.values.AsSpan(row * Columns, Columns));
                table.Source[row] = i;
                table.Labels[row] = stream[i].Fraud;
                table.Weights[row++] = weights[i];
            }

            traces[i] = state.Observe(payment);
        }

        return table;
    }
}
