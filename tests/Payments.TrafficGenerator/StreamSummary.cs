using System.Globalization;

namespace Payments.TrafficGenerator;

/// <summary>What a stream holds, by what its payments really are.</summary>
public sealed class StreamSummary
{
    private readonly SortedDictionary<FraudKind, Row> rows = [];

    private DateTimeOffset first;
    private DateTimeOffset last;

    public static StreamSummary Of(IEnumerable<TrafficPayment> payments)
    {
        ArgumentNullException.ThrowIfNull(payments);
        var summary = new StreamSummary();
        foreach (var payment in payments)
        {
            summary.Add(payment);
        }

        return summary;
    }

    public long Payments => rows.Values.Sum(r => r.Payments);

    public IEnumerable<string> Lines()
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"{first:yyyy-MM-dd HH:mm} to {last:yyyy-MM-dd HH:mm} UTC");
        yield return string.Create(CultureInfo.InvariantCulture, $"{"what it is",-18} {"payments",10} {"of all",9} {"amount in USD",15} {"declined",9} {"attacks",8} {"known after",12}");
        foreach (var (kind, row) in rows)
        {
            var known = row.Known == 0 ? "never" : string.Create(CultureInfo.InvariantCulture, $"{row.Days / row.Known:F0} days");
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{NameOf(kind),-18} {row.Payments,10} {(double)row.Payments / Payments,9:P3} {row.Amount,15:F2} {(double)row.Declined / row.Payments,9:P1} {row.Campaigns.Count,8} {known,12}");
        }
    }

    public static string NameOf(FraudKind kind) => kind == FraudKind.None ? "good" : System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString());

    private void Add(TrafficPayment payment)
    {
        first = rows.Count == 0 ? payment.At : first;
        last = payment.At;
        if (!rows.TryGetValue(payment.Fraud, out var row))
        {
            rows.Add(payment.Fraud, row = new Row());
        }

        row.Payments++;
        row.Amount += payment.AmountUsd;
        row.Declined += payment.Decline is null ? 0 : 1;
        if (payment is { Campaign: > 0, IsFraud: true })
        {
            row.Campaigns.Add(payment.Campaign);
        }

        if (payment is { Decline: null, KnownAt: { } known })
        {
            row.Known++;
            row.Days += (known - payment.At).TotalDays;
        }
    }

    private sealed class Row
    {
        public long Payments { get; set; }

        public decimal Amount { get; set; }

        public long Declined { get; set; }

        public long Known { get; set; }

        public double Days { get; set; }

        public HashSet<long> Campaigns { get; } = [];
    }
}
