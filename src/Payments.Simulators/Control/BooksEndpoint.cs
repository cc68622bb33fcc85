using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Payments.Simulators.Books;

namespace Payments.Simulators.Control;

internal sealed record BooksAnswer(string Provider, IReadOnlyList<ChargeLine> Charges, BooksTotals Totals);

internal sealed record ChargeLine(
    string Id,
    string? PaymentIntent,
    string? PspReference,
    string? Reference,
    string? IdempotencyKey,
    long Amount,
    string Currency,
    ChargeStatus Status,
    string? FailureCode,
    long AmountCaptured,
    long AmountRefunded,
    long AmountVoided,
    DateTimeOffset Created,
    CardLine? Card,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<MovementLine> Captures,
    IReadOnlyList<MovementLine> Refunds,
    IReadOnlyList<MovementLine> Voids);

internal sealed record CardLine(string Brand, string Last4);

internal sealed record MovementLine(string Id, long Amount, string? IdempotencyKey, MovementStatus Status, string? Reference, string? FailureReason, DateTimeOffset Created);

/// <param name="UnderWay">Neither accepted nor given up.</param>
internal sealed record WebhooksAnswer(int UnderWay);

internal sealed record BooksTotals(int Charges, IReadOnlyDictionary<string, int> ByStatus, IReadOnlyDictionary<string, CurrencyTotals> ByCurrency);

internal sealed record CurrencyTotals(long Authorized, long Captured, long Refunded, long Voided);

/// <summary>The books of one provider: the outside truth against which everything else is checked.</summary>
internal static class BooksEndpoint
{
    public static Results<JsonHttpResult<BooksAnswer>, NotFound> Read(string provider, string? reference, BookStore books)
    {
        if (!Providers.IsKnown(provider))
        {
            return TypedResults.NotFound();
        }

        // Entities are immutable: collected under the lock, shown outside it.
        var (charges, waiting) = books.Read(b => (
            b.Charges.NewestFirst().Where(c => c.Provider == provider).ToList(),
            provider == Providers.Stripe ? b.PaymentIntents.NewestFirst().Where(i => i.Status == "requires_action").ToList() : []));
        charges.Reverse();
        var lines = charges.Select(Line)
            .Concat(waiting.Select(Line))
            .Where(l => reference is null || l.Reference == reference || l.Id == reference || l.PaymentIntent == reference || l.IdempotencyKey == reference || l.Metadata.Values.Contains(reference))
            .ToList();
        return TypedResults.Json(new BooksAnswer(provider, lines, Totals(lines)), ControlJson.Options);
    }

    /// <summary><c>DELETE /books/{provider}/charges/{reference}</c>: the provider loses a charge, by what it calls the payment.</summary>
    public static Results<NoContent, NotFound> Lose(string provider, string reference, BookStore books) => books.Write(b =>
    {
        var intent = b.PaymentIntent(reference);
        if ((b.Charge(reference) ?? b.Charge(intent?.LatestCharge)) is not { } charge || charge.Provider != provider)
        {
            return false;
        }

        b.Put(charge with { Lost = true });
        if (intent is not null)
        {
            b.Put(intent with { Lost = true });
        }

        return true;
    }) ? TypedResults.NoContent() : TypedResults.NotFound();

    public static JsonHttpResult<WebhooksAnswer> WebhooksUnderWay(BookStore books) =>
        TypedResults.Json(new WebhooksAnswer(books.Read(b => b.Deliveries.Count)), ControlJson.Options);

    private static ChargeLine Line(Charge charge) => new(
        charge.Id,
        charge.PaymentIntent,
        charge.Provider == Providers.Adyen ? charge.Id : null,
        charge.Reference,
        charge.IdempotencyKey,
        charge.Amount,
        charge.Currency.ToUpperInvariant(),
        charge.Status,
        charge.Failure?.DeclineCode is { } decline && charge.Provider == Providers.Stripe ? decline : charge.Failure?.Code,
        charge.AmountCaptured,
        charge.AmountRefunded,
        charge.AmountVoided,
        charge.Created,
        new CardLine(charge.Card.Brand, charge.Card.Last4),
        charge.Metadata,
        [.. charge.Captures.Select(Line)],
        [.. charge.Refunds.Select(Line)],
        [.. charge.Voids.Select(Line)]);

    /// <summary>An intent that waits for its shopper has no charge yet, but it is on the books.</summary>
    private static ChargeLine Line(Stripe.PaymentIntent intent) => new(
        intent.Id,
        intent.Id,
        null,
        Stripe.StripeAuthorization.ReferenceOf(intent.Metadata),
        intent.IdempotencyKey,
        intent.Amount,
        intent.Currency.ToUpperInvariant(),
        ChargeStatus.RequiresAction,
        null,
        0,
        0,
        0,
        intent.Created,
        null,
        intent.Metadata,
        [],
        [],
        []);

    private static MovementLine Line(Movement movement) =>
        new(movement.Id, movement.Amount, movement.IdempotencyKey, movement.Status, movement.Reference, movement.FailureReason, movement.Created);

    private static BooksTotals Totals(List<ChargeLine> lines) => new(
        lines.Count,
        lines.GroupBy(l => l.Status).ToDictionary(g => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(g.Key.ToString()), g => g.Count()),
        lines.GroupBy(l => l.Currency.ToUpper(CultureInfo.InvariantCulture)).ToDictionary(
            g => g.Key,
            g => new CurrencyTotals(
                g.Where(l => l.Status is ChargeStatus.Authorized or ChargeStatus.Captured or ChargeStatus.Canceled).Sum(l => l.Amount),
                g.Sum(l => l.AmountCaptured),
                g.Sum(l => l.AmountRefunded),
                g.Sum(l => l.AmountVoided))));
}
