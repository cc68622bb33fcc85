using System.Collections.Frozen;

namespace Payments.Fraud.Velocity;

/// <summary>Whose history a counter counts. A pair counts what its first and its second did together.</summary>
internal enum Subject
{
    Card,
    Customer,
    Ip,
    Device,
    Email,
    Merchant,
    CardMerchant,
    CardIp,
    CardDevice,
    CardEmail,
    CardCustomer,
    IpMerchant,
    IpEmail,
    DeviceMerchant,
    EmailMerchant,
}

/// <summary>What is counted: attempts, distinct others among them, or outcomes.</summary>
internal enum Measure
{
    Attempts,
    Cards,
    Customers,
    Ips,
    Devices,
    Emails,
    Merchants,
    Approvals,
    Declines,
    Refunds,
    Chargebacks,
}

/// <summary>One sliding window.</summary>
internal sealed record Window(string Name, TimeSpan Length)
{
    public static readonly Window[] All =
    [
        new("5m", TimeSpan.FromMinutes(5)),
        new("1h", TimeSpan.FromHours(1)),
        new("24h", TimeSpan.FromHours(24)),
        new("7d", TimeSpan.FromDays(7)),
        new("30d", TimeSpan.FromDays(30)),
    ];

    public static readonly TimeSpan Longest = All[^1].Length;
}

/// <summary>
/// A counter that rules and the model may ask for, by a name such as <c>card.merchants_1h</c>. The catalogue is one fixed list; stored
/// decisions keep their counters by place in it, so it only ever grows at its end.
/// </summary>
internal sealed record VelocityCounter(int Place, Subject Subject, Measure Measure, int WindowIndex)
{
    private static readonly Measure[] Outcomes = [Measure.Approvals, Measure.Declines, Measure.Refunds, Measure.Chargebacks];

    private static readonly (Subject Subject, Measure[] Measures)[] Rows =
    [
        (Subject.Card, [Measure.Attempts, Measure.Customers, Measure.Ips, Measure.Devices, Measure.Emails, Measure.Merchants, .. Outcomes]),
        (Subject.Customer, [Measure.Attempts, Measure.Cards, Measure.Ips, Measure.Devices, Measure.Emails, .. Outcomes]),
        (Subject.Ip, [Measure.Attempts, Measure.Cards, Measure.Customers, Measure.Devices, Measure.Emails, Measure.Merchants, .. Outcomes]),
        (Subject.Device, [Measure.Attempts, Measure.Cards, Measure.Customers, Measure.Ips, Measure.Emails, Measure.Merchants, .. Outcomes]),
        (Subject.Email, [Measure.Attempts, Measure.Cards, Measure.Customers, Measure.Ips, Measure.Devices, Measure.Merchants, .. Outcomes]),
        (Subject.Merchant, [Measure.Attempts, .. Outcomes]),
        (Subject.CardMerchant, [Measure.Attempts, .. Outcomes]),
        (Subject.CardIp, [Measure.Attempts]),
        (Subject.CardDevice, [Measure.Attempts]),
        (Subject.CardEmail, [Measure.Attempts]),
        (Subject.CardCustomer, [Measure.Attempts]),
        (Subject.IpMerchant, [Measure.Attempts]),
        (Subject.IpEmail, [Measure.Attempts]),
        (Subject.DeviceMerchant, [Measure.Attempts]),
        (Subject.EmailMerchant, [Measure.Attempts, .. Outcomes]),
    ];

    public static readonly VelocityCounter[] All =
        [.. Rows.SelectMany(r => r.Measures.SelectMany(m => Window.All.Select((_, w) => (r.Subject, Measure: m, Window: w)))).Select((c, place) => new VelocityCounter(place, c.Subject, c.Measure, c.Window))];

    private static readonly int Measures = Enum.GetValues<Measure>().Length;

    // By subject and measure; −1 where nothing is counted.
    private static readonly int[] FirstPlaces = PlacesOfFirstWindows();

    private static readonly FrozenDictionary<string, VelocityCounter> ByName = All.ToFrozenDictionary(c => c.Name, StringComparer.Ordinal);

    public string Name => $"{SubjectName(Subject)}.{Measure.ToString().ToLowerInvariant()}_{Window.All[WindowIndex].Name}";

    /// <summary>Counters of a subject other than the merchant stop here: what reads so is this many or more.</summary>
    public int Most => Subject == Subject.Merchant ? ushort.MaxValue : EntityHistory.MostRecords;

    public static VelocityCounter? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>Where the five windows of a measure begin; null where it is not counted.</summary>
    public static int? PlaceOf(Subject subject, Measure measure) => (uint)measure < Measures && FirstPlaces[((int)subject * Measures) + (int)measure] is >= 0 and var place ? place : null;

    private static int[] PlacesOfFirstWindows()
    {
        var places = new int[Enum.GetValues<Subject>().Length * Measures];
        Array.Fill(places, -1);
        foreach (var counter in All.Where(c => c.WindowIndex == 0))
        {
            places[((int)counter.Subject * Measures) + (int)counter.Measure] = counter.Place;
        }

        return places;
    }

    private static string SubjectName(Subject subject) => subject switch
    {
        Subject.CardMerchant => "card_merchant",
        Subject.CardIp => "card_ip",
        Subject.CardDevice => "card_device",
        Subject.CardEmail => "card_email",
        Subject.CardCustomer => "card_customer",
        Subject.IpMerchant => "ip_merchant",
        Subject.IpEmail => "ip_email",
        Subject.DeviceMerchant => "device_merchant",
        Subject.EmailMerchant => "email_merchant",
        _ => subject.ToString().ToLowerInvariant(),
    };
}
