namespace Payments.Simulation.World;

/// <summary>A broker that carries copies of the log and may lose any of them, at any time, without a word.</summary>
internal sealed class Broker(Faults faults)
{
    /// <summary>Null where a message was lost.</summary>
    private readonly List<LogRow?> messages = [];

    public int End => messages.Count;

    public void Produce(LogRow row)
    {
        if (faults.StrikesMessage())
        {
            return;
        }

        messages.Add(row);
    }

    /// <summary>What stands at an offset and after it.</summary>
    public IReadOnlyList<LogRow> ReadFrom(int offset, int atMost) => [.. messages.Skip(offset).Take(atMost).OfType<LogRow>()];

    /// <summary>Everything is gone; offsets stay valid, so that nobody notices by them.</summary>
    public void Wipe()
    {
        for (var i = 0; i < messages.Count; i++)
        {
            messages[i] = null;
        }
    }
}
