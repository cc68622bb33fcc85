using System.Text.Json;

namespace Payments.IntegrationTests.Fire;

/// <param name="Payment">The payment that the charge says it is for.</param>
internal sealed record Charge(string Provider, string Payment, long Amount, long Captured, long Refunded, long Voided, string Status);

/// <summary>The outside truth: what both providers have in their own books.</summary>
internal static class Books
{
    /// <summary>Every charge in a currency that holds money or moved some, whoever caused it.</summary>
    public static async Task<List<Charge>> ChargesAsync(ProductFixture product, string currency, CancellationToken cancellationToken)
    {
        var charges = new List<Charge>();
        foreach (var provider in new[] { "stripe", "adyen" })
        {
            var books = await product.BooksAsync(provider, cancellationToken);
            charges.AddRange(books.GetProperty("charges").EnumerateArray().Select(c => Of(provider, c)).Where(c => c.Currency == currency && c.Charge.Status != "failed").Select(c => c.Charge));
        }

        return charges;
    }

    /// <summary>The reference is the attempt's; the payment stands in the metadata that we send along.</summary>
    private static string PaymentOf(JsonElement line) =>
        line.GetProperty("metadata").EnumerateObject().Select(m => m.Value.GetString()!).SingleOrDefault(v => v.StartsWith("pay_", StringComparison.Ordinal)) ?? line.ToString();

    private static (string Currency, Charge Charge) Of(string provider, JsonElement line) => (
        line.GetProperty("currency").GetString()!,
        new Charge(
            provider, PaymentOf(line), line.GetProperty("amount").GetInt64(), line.GetProperty("amount_captured").GetInt64(),
            line.GetProperty("amount_refunded").GetInt64(), line.GetProperty("amount_voided").GetInt64(), line.GetProperty("status").GetString()!));
}
