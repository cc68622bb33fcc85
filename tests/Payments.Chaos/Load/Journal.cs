using System.Collections.Concurrent;
using System.Text.Json;

namespace Payments.Chaos.Load;

/// <summary>Writes down everything that clients were told, and everything that merchants' servers received, as it happens: files of our own that no fault touches.</summary>
public sealed class Journal : IDisposable
{
    internal static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };
    private readonly ConcurrentQueue<Told> told = new();
    private readonly ConcurrentQueue<Received> received = new();
    private readonly long began = TimeProvider.System.GetTimestamp();
    private readonly StreamWriter? tellings;
    private readonly StreamWriter? receipts;
    private readonly Lock gate = new();

    /// <summary>One that is kept in memory alone.</summary>
    public Journal()
    {
    }

    public Journal(string directory)
    {
        tellings = new StreamWriter(Path.Combine(directory, "told.jsonl"));
        receipts = new StreamWriter(Path.Combine(directory, "received.jsonl"));
    }

    public IReadOnlyCollection<Told> Told => told;

    public IReadOnlyCollection<Received> Received => received;

    /// <summary>Milliseconds since the run began.</summary>
    public long Now => (long)TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;

    public void Add(Told entry)
    {
        told.Enqueue(entry);
        Write(tellings, entry);
    }

    public void Add(Received entry)
    {
        received.Enqueue(entry);
        Write(receipts, entry);
    }

    public void Dispose()
    {
        lock (gate)
        {
            tellings?.Dispose();
            receipts?.Dispose();
        }
    }

    private void Write<T>(StreamWriter? file, T entry)
    {
        if (file is null)
        {
            return;
        }

        var line = JsonSerializer.Serialize(entry, Format);
        lock (gate)
        {
            if (file.BaseStream.CanWrite)
            {
                file.WriteLine(line);
            }
        }
    }
}

/// <summary>One webhook as a merchant's server took it: the fifth view.</summary>
/// <param name="Id">The event's id, from the header <c>webhook-id</c>.</param>
public sealed record Received(long At, string Id, string Body);
