using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace Payments.IntegrationTests.CardSearch;

/// <summary>Searches every span that this process ends while it lasts, as text: names, tags, events, baggage.</summary>
public sealed class RecordedSpans : IDisposable
{
    private readonly ConcurrentQueue<string> found = new();
    private readonly ActivityListener listener;
    private readonly bool planted;
    private long count;

    /// <param name="planted">Whether what is only planted counts.</param>
    public RecordedSpans(bool planted)
    {
        this.planted = planted;
        listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = Search,
        };
        ActivitySource.AddActivityListener(listener);
    }

    public IReadOnlyCollection<string> Found => found;

    public long Count => Interlocked.Read(ref count);

    public void Dispose() => listener.Dispose();

    private void Search(Activity span)
    {
        Interlocked.Increment(ref count);
        foreach (var data in CardDataSearch.InText(Describe(span), $"span {span.OperationName}", planted))
        {
            found.Enqueue(data);
        }
    }

    private static string Describe(Activity span)
    {
        var text = new StringBuilder(span.Source.Name).Append(' ').Append(span.OperationName).Append(' ').Append(span.DisplayName).Append(' ').Append(span.StatusDescription);
        foreach (var (name, value) in span.TagObjects)
        {
            text.Append(' ').Append(name).Append('=').Append(value is System.Collections.IEnumerable items and not string ? string.Join(',', items.Cast<object>()) : value);
        }

        foreach (var happened in span.Events)
        {
            text.Append(' ').Append(happened.Name).Append(' ').AppendJoin(' ', happened.Tags.Select(t => $"{t.Key}={t.Value}"));
        }

        foreach (var (name, value) in span.Baggage)
        {
            text.Append(' ').Append(name).Append('=').Append(value);
        }

        return text.ToString();
    }
}
