using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace Payments.IntegrationTests.CardSearch;

/// <summary>Every span that this process ends while it lasts, as text: names, tags, events, baggage.</summary>
public sealed class RecordedSpans : IDisposable
{
    private readonly ConcurrentQueue<string> spans = new();
    private readonly ActivityListener listener;

    public RecordedSpans()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => spans.Enqueue(Describe(span)),
        };
        ActivitySource.AddActivityListener(listener);
    }

    public IReadOnlyCollection<string> All => spans;

    public void Dispose() => listener.Dispose();

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
