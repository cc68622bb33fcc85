using System.Diagnostics;
using System.Diagnostics.Metrics;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>Spans and measures of one consumer, named by OpenTelemetry's conventions for messaging where those have a name.</summary>
internal sealed class ConsumerTelemetry
{
    private static readonly Meter Meter = new(EventTelemetry.Name);
    private static readonly Counter<long> Consumed = Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Messages taken from the broker.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram("messaging.process.duration", "s", "Time to apply a batch.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });

    private static readonly Histogram<int> BatchSize = Meter.CreateHistogram("payments.events.batch.size", "{event}", "Events applied in one transaction.",
        advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] });

    private static readonly Counter<long> RefilledEvents = Meter.CreateCounter<long>("payments.events.refilled", "{event}", "Events read from the publisher's log because the broker had not brought them.");
    private static readonly Counter<long> RepeatedEvents = Meter.CreateCounter<long>("payments.events.repeated", "{event}", "Messages dropped because their event had been applied.");
    private static readonly Counter<long> ForeignMessages = Meter.CreateCounter<long>("payments.events.foreign", "{message}", "Messages ignored because they are not of the publisher's log.");
    private static readonly Counter<long> ParkedPayments = Meter.CreateCounter<long>("payments.events.parked", "{payment}", "Payments parked because an event could not be applied.");
    private readonly TagList tags;
    private readonly TimeProvider time;

    public ConsumerTelemetry(string consumer, string topic, TimeProvider time, ConsumerState state)
    {
        Consumer = consumer;
        this.time = time;
        tags =
        [
            new("messaging.system", "kafka"), new("messaging.destination.name", topic),
            new("messaging.consumer.group.name", consumer), new("messaging.operation.name", "process"),
        ];
        KeyValuePair<string, object?>[] own = [new("messaging.consumer.group.name", consumer)];
        Meter.CreateObservableGauge("payments.events.lag", () => new Measurement<long>(state.Lag, own), "{event}", "Events in the publisher's log that are not applied yet.");
        Meter.CreateObservableGauge("payments.events.halted", () => new Measurement<int>(state.HaltedBecause is null ? 0 : 1, own), "{consumer}", "1 while the consumer refuses to go on.");
    }

    public string Consumer { get; }

    public void Received(int messages) => Consumed.Add(messages, tags);

    public void Refilled(int events) => RefilledEvents.Add(events, tags);

    public void Repeated() => RepeatedEvents.Add(1, tags);

    public void Foreign() => ForeignMessages.Add(1, tags);

    public void Parked() => ParkedPayments.Add(1, tags);

    public Processing Process(IReadOnlyList<OutboxRow> rows) => new(this, rows);

    /// <summary>
    /// The applying of one batch. Each event whose trace is recorded gets a span in it; the first one's is current while the batch is
    /// applied, so the database's spans stand below it, and the others link to it.
    /// </summary>
    public sealed class Processing : IDisposable
    {
        private readonly ConsumerTelemetry telemetry;
        private readonly int events;
        private readonly long started;
        private readonly List<Activity> spans = [];
        private bool succeeded;

        public Processing(ConsumerTelemetry telemetry, IReadOnlyList<OutboxRow> rows)
        {
            (this.telemetry, events, started) = (telemetry, rows.Count, telemetry.time.GetTimestamp());
            var outer = Activity.Current;
            Activity? first = null;
            foreach (var row in rows)
            {
                if (!EventTelemetry.IsRecorded(row.TraceParent, out var parent))
                {
                    continue;
                }

                ActivityLink[] links = first is null ? [] : [new(first.Context)];
                Activity.Current = null;
                if (EventTelemetry.Source.StartActivity("process " + row.Type, ActivityKind.Consumer, parent, telemetry.tags, links) is { } span)
                {
                    span.SetTag("messaging.message.id", row.Id);
                    span.SetTag("messaging.batch.message_count", rows.Count);
                    span.SetTag("payments.consumer", telemetry.Consumer);
                    spans.Add(span);
                    first ??= span;
                }
            }

            Activity.Current = first ?? outer;
        }

        public void Succeeded() => succeeded = true;

        public void Dispose()
        {
            foreach (var span in spans)
            {
                if (!succeeded)
                {
                    span.SetStatus(ActivityStatusCode.Error);
                }

                span.Dispose();
            }

            if (spans.Count > 0)
            {
                Activity.Current = null;
            }

            if (succeeded)
            {
                BatchSize.Record(events, telemetry.tags);
                Duration.Record(telemetry.time.GetElapsedTime(started).TotalSeconds, telemetry.tags);
            }
        }
    }
}
