using System.Diagnostics.Metrics;
using System.Globalization;

namespace Payments.IntegrationTests.Recovery;

/// <summary>What an observable gauge of the product tells, as an exporter would read it.</summary>
internal static class Gauge
{
    /// <summary>The greatest value that the gauge has with this attribute now; none where it tells nothing.</summary>
    public static double? Read(string name, string attribute, string value)
    {
        double? greatest = null;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == name)
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, told, tags, _) => Take(told, tags));
        listener.SetMeasurementEventCallback<long>((_, told, tags, _) => Take(told, tags));
        listener.Start();
        listener.RecordObservableInstruments();
        return greatest;

        void Take(double told, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var tag in tags)
            {
                if (tag.Key == attribute && Convert.ToString(tag.Value, CultureInfo.InvariantCulture) == value)
                {
                    greatest = Math.Max(greatest ?? double.MinValue, told);
                }
            }
        }
    }
}
