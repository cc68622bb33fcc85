using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Payments.Chaos.Load;

namespace Payments.Bench.Load;

/// <summary>A request of the load, as bytes that are ready to be sent, and what must be known to judge its answer.</summary>
internal sealed record Errand(int Number, BenchShop Shop, string Operation, string? Key, string? Payment, long? Amount, string? Currency, byte[] Bytes)
{
    private static readonly string[] Currencies = ["USD", "EUR", "GBP", "CAD", "AUD", "CHF"];

    /// <summary>A complete sale. No other has its amount and currency, so that the providers' books can be compared by them alone.</summary>
    public static Errand Sale(int number, BenchShop shop, bool capture = true)
    {
        const int smallest = 500;
        var currency = Currencies[number % Currencies.Length];
        var amount = smallest + (number / Currencies.Length);
        var key = string.Create(CultureInfo.InvariantCulture, $"sale-{number}");
        var card = shop.Cards[(int)((uint)(number * 2_654_435_761L) % (uint)shop.Cards.Length)];
        var body = string.Create(CultureInfo.InvariantCulture,
            $"{{\"amount\":{amount},\"currency\":\"{currency}\",\"payment_method\":{{\"token\":\"{card}\"}},\"capture_method\":\"{(capture ? "automatic" : "manual")}\",\"order_id\":\"order-{number}\"}}");
        return new(number, shop, "create", key, null, amount, currency, Post("/v1/payments", shop, key, body));
    }

    public static Errand Capture(Errand sale, string payment) => Modify(sale, payment, "capture", "capture", null);

    public static Errand Refund(Errand sale, string payment) => Modify(sale, payment, "refund", "refunds", sale.Amount / 2);

    public static Errand Read(int number, BenchShop shop, string payment) =>
        new(number, shop, "read", null, payment, null, null, Encoding.ASCII.GetBytes($"GET /v1/payments/{payment} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {shop.Shop.SecretKey}\r\n\r\n"));

    private static Errand Modify(Errand sale, string payment, string operation, string path, long? amount)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{operation}-{sale.Number}");
        var body = amount is { } some ? string.Create(CultureInfo.InvariantCulture, $"{{\"amount\":{some}}}") : "{}";
        return new(sale.Number, sale.Shop, operation, key, payment, amount, sale.Currency, Post($"/v1/payments/{payment}/{path}", sale.Shop, key, body));
    }

    private static byte[] Post(string path, BenchShop shop, string key, string body) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {shop.Shop.SecretKey}\r\nIdempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
}

/// <summary>Asks over kept connections and remembers what was told: in memory, to be written down when nothing is measured.</summary>
internal sealed class Teller(Uri api, Journal journal) : IDisposable
{
    private readonly ConcurrentBag<Wire> idle = [];
    private readonly ConcurrentQueue<(long At, long Took, Errand Errand, WireAnswer Answer)> told = new();

    /// <param name="remember">False where the caller compares the answer itself.</param>
    public async ValueTask<WireAnswer> AskAsync(Errand errand, bool remember, CancellationToken cancellationToken)
    {
        var at = journal.Now;
        if (!idle.TryTake(out var wire))
        {
            wire = await Wire.OpenAsync(api, cancellationToken);
        }

        WireAnswer answer;
        try
        {
            answer = await wire.AskAsync(errand.Bytes, cancellationToken);
        }
        catch (Exception)
        {
            wire.Dispose();
            throw;
        }

        idle.Add(wire);
        if (remember)
        {
            told.Enqueue((at, journal.Now - at, errand, answer));
        }

        return answer;
    }

    /// <summary>Moves what was told into the journal.</summary>
    public void WriteDown()
    {
        while (told.TryDequeue(out var one))
        {
            var (at, took, errand, answer) = one;
            journal.Add(new Told(
                at, took, errand.Number, errand.Shop.Shop.Id, errand.Operation, errand.Key, errand.Payment, errand.Amount, errand.Currency, "api",
                answer.Status, Encoding.UTF8.GetString(answer.Body), answer.Replayed, null));
        }
    }

    public void Dispose()
    {
        foreach (var wire in idle)
        {
            wire.Dispose();
        }
    }
}
