using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Features;
using Payments.Fraud.Live;

namespace Payments.Tests.Fraud.Model;

/// <summary>A small seeded history of real payments: everybody tells something else, issuers decline, some authenticate, frauds become known late.</summary>
internal static class HistorySample
{
    public static readonly DateTimeOffset Begin = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Countries = ["US", "DE", "FR", "NG"];
    private static readonly string?[] Fundings = ["credit", "debit", "prepaid", null];

    public static List<HistoricPayment> Make(int days, int perDay, int seed)
    {
        var random = new Random(seed);
        var payments = new List<HistoricPayment>();
        for (var day = 0; day < days; day++)
        {
            foreach (var second in Enumerable.Range(0, perDay).Select(_ => random.Next(86_400)).Order().ToArray())
            {
                payments.Add(One(random, Begin.AddDays(day).AddSeconds(second), payments.Count));
            }
        }

        return payments;
    }

    private static HistoricPayment One(Random random, DateTimeOffset at, int number)
    {
        var customer = random.Next(30);
        var thief = random.Next(12) == 0;
        var card = thief ? random.Next(200, 220) : customer + (random.Next(8) == 0 ? 100 : 0);
        var country = Countries[thief ? 3 : customer % 3];
        var context = random.Next(6) == 0 ? null : new RiskContext(
            Ip: random.Next(4) == 0 ? null : $"198.51.100.{(thief ? 250 : customer)}",
            UserAgent: random.Next(3) == 0 ? null : "Mozilla/5.0 (X11; Linux)",
            DeviceId: random.Next(3) == 0 ? null : $"device-{(thief ? 999 : customer)}",
            Email: random.Next(3) == 0 ? null : $"customer{customer}@{(customer % 2 == 0 ? "gmail.com" : "example.org")}",
            BillingAddress: random.Next(2) == 0 ? null : new RiskAddress(PostalCode: $"{10_000 + customer}", Country: Countries[customer % 3]),
            ShippingAddress: random.Next(2) == 0 ? null : new RiskAddress(PostalCode: $"{10_000 + customer}", Country: country),
            SessionSeconds: random.Next(2) == 0 ? null : random.Next(900),
            AccountCreatedAt: random.Next(2) == 0 ? null : at.AddDays(-random.Next(400)));
        var request = new FraudRequest(
            new PaymentId(new Guid(1, 0, 0, BitConverter.GetBytes((long)number))), new MerchantId(new Guid(2, 0, 0, BitConverter.GetBytes((long)random.Next(6)))), Mode.Live,
            random.Next(500, 20_000) * (thief ? 4 : 1), random.Next(5) == 0 ? "EUR" : "USD", card.ToString("x64"), random.Next(2) == 0 ? "visa" : "mastercard", "400000",
            random.Next(6) == 0 ? null : Countries[customer % 3], Fundings[random.Next(4)])
        {
            CustomerReference = random.Next(3) == 0 ? null : $"customer-{customer}",
            Context = context,
        };
        var approved = random.Next(thief ? 3 : 15) != 0;
        var answers = new List<HistoricAnswer>();
        if (random.Next(6) == 0)
        {
            answers.Add(new(thief ? PaymentAnswer.NotAuthenticated : PaymentAnswer.Authenticated, at.AddSeconds(40)));
        }

        answers.Add(new(approved ? PaymentAnswer.Approved : PaymentAnswer.Declined, at.AddSeconds(45)));
        var fraud = thief && approved;
        return new(at, request, random.Next(6) == 0 ? null : country, answers, fraud ? true : null, fraud ? at.AddHours(random.Next(24, 24 * 30)) : null);
    }
}
