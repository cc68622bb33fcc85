using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Disputes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>What becomes of a confirmation: a challenge, a decline, an authorization or a captured charge.</summary>
public sealed class StripeAuthorization(Settings settings)
{
    private static readonly Failure AuthenticationRequired = new("authentication_required", "authentication_required", "Your card was declined. This transaction requires authentication.");
    private static readonly Failure AuthenticationFailed = new("payment_intent_authentication_failure", null, "We are unable to authenticate your payment method. Please choose a different payment method and try again.");

    public (PaymentIntent Intent, Answer? Decline) Attempt(Call call, Transaction books, PaymentIntent intent, StoredCard card, bool isOffSession, bool isActionAnError)
    {
        ArgumentNullException.ThrowIfNull(intent);
        ArgumentNullException.ThrowIfNull(card);
        var preference = PreferenceOf(intent);
        // Stripe authenticates by itself where the issuer would refuse without.
        preference = preference == ChallengePreference.None && card.Card.Acts.Authentication == Authentication.Insists ? ChallengePreference.Challenge : preference;
        if (!Authenticator.Challenges(card.Card, preference, card.SetUp))
        {
            return Authorize(call, books, intent, card, Authenticator.Frictionless(card.Card, preference));
        }

        if (isOffSession || isActionAnError)
        {
            return Decline(call, books, intent, card, AuthenticationRequired, null);
        }

        var waiting = books.Put(intent with { Status = "requires_action", ActionUrl = $"{call.PublicUrl}/3ds/{intent.Id}" });
        StripeEvents.Tell(books, settings, waiting.Id, null, call, "payment_intent.requires_action");
        return (waiting, null);
    }

    /// <summary>The shopper has answered the challenge.</summary>
    public PaymentIntent Complete(Call call, Transaction books, PaymentIntent intent, bool isApproved)
    {
        ArgumentNullException.ThrowIfNull(intent);
        var card = books.Card(intent.PaymentMethod) ?? throw new InvalidOperationException($"{intent.Id} waits without a card.");
        if (isApproved)
        {
            return Authorize(call, books, intent, books.Put(card with { SetUp = card.SetUp || intent.SetupFutureUsage == "off_session" }), Authenticator.Answered(isApproved: true)).Intent;
        }

        var failed = books.Put(intent with
        {
            Status = "requires_payment_method",
            PaymentMethod = null,
            ActionUrl = null,
            LastPaymentError = AuthenticationFailed,
            LastPaymentErrorMethod = card.Id,
        });
        StripeEvents.Tell(books, settings, failed.Id, null, call, "payment_intent.payment_failed");
        return failed;
    }

    private static ChallengePreference PreferenceOf(PaymentIntent intent) => intent.RequestThreeDSecure switch
    {
        "challenge" => ChallengePreference.Challenge,
        "any" => ChallengePreference.NoPreference,
        _ => ChallengePreference.None,
    };

    private (PaymentIntent Intent, Answer? Decline) Authorize(Call call, Transaction books, PaymentIntent intent, StoredCard card, Authenticated? threeDSecure)
    {
        if (card.Card.Acts.Refusal is { } refusal)
        {
            return Decline(call, books, intent, card, new Failure(refusal.StripeCode, refusal.StripeDeclineCode, refusal.StripeMessage, refusal.Blocked), threeDSecure);
        }

        Keep(books, intent, card);
        var charge = NewCharge(books, intent, card, threeDSecure) with { AuthorisationCode = Identifiers.Digits(6), Multicapture = intent.RequestMulticapture && intent.IsCapturedByMerchant };
        if (intent.IsCapturedByMerchant)
        {
            var limit = settings.Current.HoldUntil(books.Now, 7);
            books.Put(charge with { Status = ChargeStatus.Authorized, CaptureBefore = limit });
            books.Put(new PendingTurn { Id = $"turn_expire_{charge.Id}", Provider = Providers.Stripe, Kind = StripeCaptures.ExpireTurn, Charge = charge.Id, DueAt = limit });
            var held = books.Put(intent with { Status = "requires_capture", ActionUrl = null, LatestCharge = charge.Id, AmountCapturable = intent.Amount });
            StripeEvents.Tell(books, settings, held.Id, null, call, "payment_intent.amount_capturable_updated");
            StripeEvents.Tell(books, settings, charge.Id, null, call, "charge.succeeded");
            return (held, null);
        }

        var transaction = StripeBalance.ForCapture(books, charge, intent.Amount);
        books.Put(charge with
        {
            Status = ChargeStatus.Captured,
            BalanceTransaction = transaction.Id,
            Captures = [new Movement { Id = Identifiers.Stripe("cap"), Amount = intent.Amount, IdempotencyKey = intent.IdempotencyKey, Status = MovementStatus.Succeeded, Created = books.Now, BalanceTransaction = transaction.Id }],
        });
        DisputeDesk.Schedule(books, books.Charge(charge.Id)!, settings.Current.OutcomeDelayMilliseconds);
        var paid = books.Put(intent with { Status = "succeeded", ActionUrl = null, LatestCharge = charge.Id, AmountReceived = intent.Amount });
        StripeEvents.Tell(books, settings, charge.Id, null, call, "charge.succeeded");
        StripeEvents.Tell(books, settings, paid.Id, null, call, "payment_intent.succeeded");
        return (paid, null);
    }

    private (PaymentIntent Intent, Answer? Decline) Decline(Call call, Transaction books, PaymentIntent intent, StoredCard card, Failure failure, Authenticated? threeDSecure)
    {
        var charge = books.Put(NewCharge(books, intent, card, threeDSecure) with { Status = ChargeStatus.Failed, Failure = failure });
        var declined = books.Put(intent with
        {
            Status = "requires_payment_method",
            PaymentMethod = null,
            ActionUrl = null,
            LatestCharge = charge.Id,
            LastPaymentError = failure,
            LastPaymentErrorMethod = card.Id,
        });
        StripeEvents.Tell(books, settings, charge.Id, null, call, "charge.failed");
        StripeEvents.Tell(books, settings, declined.Id, null, call, "payment_intent.payment_failed");
        return (declined, StripeError.Declined(failure, charge.Id, StripeJson.Of(declined, card), StripeJson.Of(card)));
    }

    /// <summary>A used card stays with its customer when it is to be used again; without a customer it is used up.</summary>
    internal static void Keep(Transaction books, PaymentIntent intent, StoredCard card)
    {
        if (card.Owner is null)
        {
            books.Put(intent is { Customer: not null, SetupFutureUsage: not null }
                ? card with { Owner = intent.Customer }
                : card with { Consumed = true });
        }
    }

    internal static Charge NewCharge(Transaction books, PaymentIntent intent, StoredCard card, Authenticated? threeDSecure) => new()
    {
        Id = Identifiers.Stripe("ch"),
        Provider = Providers.Stripe,
        PaymentIntent = intent.Id,
        Reference = ReferenceOf(intent.Metadata),
        IdempotencyKey = intent.IdempotencyKey,
        Amount = intent.Amount,
        Currency = intent.Currency,
        Status = ChargeStatus.Authorized,
        Created = books.Now,
        Card = card.Card,
        ThreeDSecure = threeDSecure?.Result,
        ThreeDSecureFlow = threeDSecure?.Flow,
        PaymentMethod = card.Id,
        Customer = intent.Customer,
        Description = intent.Description,
        StatementDescriptor = intent.StatementDescriptor ?? intent.StatementDescriptorSuffix,
        ReceiptEmail = intent.ReceiptEmail,
        Metadata = intent.Metadata,
    };

    /// <summary>Stripe has no reference field; merchants put theirs into the metadata.</summary>
    internal static string? ReferenceOf(IReadOnlyDictionary<string, string> metadata)
    {
        foreach (var name in new[] { "attempt_id", "attempt", "reference", "payment_id", "payment", "order_id" })
        {
            if (metadata.TryGetValue(name, out var value))
            {
                return value;
            }
        }

        return null;
    }
}
