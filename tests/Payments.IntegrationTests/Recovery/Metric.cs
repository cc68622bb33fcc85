using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace Payments.IntegrationTests.Recovery;

/// <summary>What an instrument of the product tells, as an exporter would hear it: of everything in this process.</summary>
internal static class Metric
{
    /// <summary>The greatest value that a gauge has with this attribute now; none where it tells nothing.</summary>
    public static double? Read(string name, string attribute, string value)
    {
        double? greatest = null;
        using var listener = Listen(name, (told, tags) => greatest = Text(tags, attribute) == value ? Math.Max(greatest ?? double.MinValue, told) : greatest);
        listener.RecordObservableInstruments();
        return greatest;
    }

    /// <summary>From now on, the values of these attributes with each measurement, parted by blanks.</summary>
    public static MeterListener Follow(string name, ConcurrentQueue<string> heard, params string[] attributes) =>
        Listen(name, (_, tags) => heard.Enqueue(string.Join(' ', attributes.Select(a => Text(tags, a)))));

    private static MeterListener Listen(string name, Action<double, KeyValuePair<string, object?>[]> take)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == name)
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, told, tags, _) => take(told, tags.ToArray()));
        listener.SetMeasurementEventCallback<long>((_, told, tags, _) => take(told, tags.ToArray()));
        listener.Start();
        return listener;
    }

    private static string? Text(KeyValuePair<string, object?>[] tags, string attribute) =>
        Convert.ToString(Array.Find(tags, t => t.Key == attribute).Value, CultureInfo.InvariantCulture);
}
