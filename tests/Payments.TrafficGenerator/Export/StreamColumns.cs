using System.Globalization;

namespace Payments.TrafficGenerator.Export;

/// <param name="IsNumber">Written without quotation marks in JSON.</param>
/// <param name="Of">Null where nothing is known: an empty column, an absent member.</param>
public sealed record StreamColumn(string Name, bool IsNumber, Func<TrafficPayment, TrafficOptions, string?> Of);

/// <summary>What an exported stream says of a payment. The first six columns are those of the Fraud Detection Handbook.</summary>
public static class StreamColumns
{
    public const int Handbook = 6;

    private const long ThievesCards = 1_000_000_000_000;

    public static IReadOnlyList<StreamColumn> All { get; } =
    [
        Number("transaction_id", (p, _) => p.Number),
        Number("tx_time_seconds", (p, o) => Seconds(p.At, o)),
        Number("customer_id", (p, _) => p.Card.Number >= 0 ? p.Card.Number : ThievesCards - p.Card.Number),
        Number("terminal_id", (p, _) => p.Merchant.Number),
        new("tx_amount", true, (p, _) => p.AmountUsd.ToString("0.00", CultureInfo.InvariantCulture)),
        Number("tx_fraud", (p, _) => p.IsFraud ? 1 : 0),
        Text("merchant_category", p => p.Merchant.Category.Name),
        Text("merchant_country", p => p.Merchant.Country.Code),
        Number("amount_minor", (p, _) => p.AmountMinor),
        Text("currency", p => p.Currency),
        Text("card_fingerprint", p => p.Card.Fingerprint),
        Text("card_brand", p => p.Card.Brand),
        Text("card_bin", p => p.Card.Bin),
        Text("card_country", p => p.Card.Country),
        Text("card_funding", p => p.Card.Funding),
        Text("customer_reference", p => p.CustomerReference),
        Text("ip", p => p.Ip),
        Text("ip_country", p => p.Ip is { } ip ? Population.Networks.CountryOf(ip) : null),
        Text("device_id", p => p.Device?.Id),
        Text("user_agent", p => p.Device?.UserAgent),
        Text("email", p => p.Email),
        Text("billing_line1", p => p.BillingAddress?.Line1),
        Text("billing_city", p => p.BillingAddress?.City),
        Text("billing_postal_code", p => p.BillingAddress?.PostalCode),
        Text("billing_country", p => p.BillingAddress?.Country),
        Text("shipping_line1", p => p.ShippingAddress?.Line1),
        Text("shipping_city", p => p.ShippingAddress?.City),
        Text("shipping_postal_code", p => p.ShippingAddress?.PostalCode),
        Text("shipping_country", p => p.ShippingAddress?.Country),
        Number("session_seconds", (p, _) => p.SessionSeconds),
        Number("account_created_seconds", (p, o) => p.AccountCreatedAt is { } at ? Seconds(at, o) : null),
        Number("attempt", (p, _) => p.Attempt),
        Text("decline", p => p.Decline),
        Number("passes_challenge", (p, _) => p.PassesChallenge ? 1 : 0),
        Text("fraud_kind", p => p.IsFraud ? System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Fraud.ToString()) : null),
        Number("known_at_seconds", (p, o) => p is { Decline: null, KnownAt: { } at } ? Seconds(at, o) : null),
        Number("campaign", (p, _) => p.Campaign == 0 ? null : p.Campaign),
    ];

    private static StreamColumn Number(string name, Func<TrafficPayment, TrafficOptions, long?> of) =>
        new(name, true, (p, o) => of(p, o)?.ToString(CultureInfo.InvariantCulture));

    private static StreamColumn Text(string name, Func<TrafficPayment, string?> of) => new(name, false, (p, _) => of(p));

    private static long Seconds(DateTimeOffset at, TrafficOptions options) => (long)Math.Floor((at - options.Begins).TotalSeconds);
}
