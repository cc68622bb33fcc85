namespace Payments.Fraud.Features;

/// <summary>The newest entries of a stream, oldest first, at most so many: memory per party is bounded.</summary>
/// <param name="capacity">A power of two.</param>
internal sealed class Recent<T>(int capacity)
{
    private T[] entries = new T[4];
    private int first;

    public int Count { get; private set; }

    public ref readonly T this[int index] => ref entries[(first + index) & (entries.Length - 1)];

    public void Add(in T entry)
    {
        if (Count == capacity)
        {
            RemoveOldest();
        }
        else if (Count == entries.Length)
        {
            var larger = new T[entries.Length * 2];
            for (var i = 0; i < Count; i++)
            {
                larger[i] = this[i];
            }

            entries = larger;
            first = 0;
        }

        entries[(first + Count) & (entries.Length - 1)] = entry;
        Count++;
    }

    public void RemoveOldest()
    {
        first = (first + 1) & (entries.Length - 1);
        Count--;
    }
}
