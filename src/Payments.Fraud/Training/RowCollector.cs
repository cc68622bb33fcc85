namespace Payments.Fraud.Training;

/// <summary>Rows with labels and moments, as they come.</summary>
internal sealed class RowCollector(int columns)
{
    private readonly List<float> values = [];
    private readonly List<bool> labels = [];
    private readonly List<float> weights = [];
    private readonly List<long> moments = [];

    public int Count => labels.Count;

    public int Frauds { get; private set; }

    public long First => moments.Count == 0 ? 0 : moments[0];

    public long Last => moments.Count == 0 ? 0 : moments[^1];

    public void Add(ReadOnlySpan<float> row, bool fraud, float weight, long at)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(row.Length, columns);
        values.AddRange(row);
        labels.Add(fraud);
        weights.Add(weight);
        moments.Add(at);
        Frauds += fraud ? 1 : 0;
    }

    /// <summary>The newest seventh of the rows, by time, is set aside; at least <paramref name="leastFrauds"/> frauds are in it.</summary>
    public TrainingSplit Split(int leastFrauds = 20)
    {
        var from = Count - Count / 7;
        var frauds = labels.Skip(from).Count(l => l);
        while (from > Count / 2 && frauds < leastFrauds)
        {
            frauds += labels[--from] ? 1 : 0;
        }

        return new(Rows(0, from), Rows(from, Count), Rows(0, Count));
    }

    private TrainingRows Rows(int from, int to) => new(
        values.GetRange(from * columns, (to - from) * columns).ToArray(), columns,
        [.. labels.Skip(from).Take(to - from)], [.. weights.Skip(from).Take(to - from)]);
}
