using System.Text;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Disputes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

public sealed class StripeCaptures(Settings settings)
{
    public const string ExpireTurn = "stripe_hold_expires";

    private static readonly string[] Parameters = ["amount_to_capture", "final_capture", "metadata", "application_fee_amount", "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "amount_details", "payment_details", "hooks"];

    public Answer Capture(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if (p.Unknown(Parameters) is { } unknown)
        {
            return StripeError.Invalid($"Received unknown parameter: {unknown}", unknown, "parameter_unknown");
        }

        if (p.IsBadNumber("amount_to_capture") || p.Number("amount_to_capture") is < 1)
        {
            return StripeError.Invalid("This value must be greater than or equal to 1.", "amount_to_capture", "parameter_invalid_integer");
        }

        var id = call.Route("id");
        if (books.PaymentIntent(id) is not { } intent)
        {
            return StripeError.NoSuch("payment_intent", id, "intent");
        }

        if (intent.Status != "requires_capture" || books.Charge(intent.LatestCharge) is not { } charge)
        {
            return StripeIntents.Unexpected(intent, "captured", "requires_capture");
        }

        var amount = p.Number("amount_to_capture") ?? intent.AmountCapturable;
        if (amount > intent.AmountCapturable)
        {
            return StripeError.Refused("amount_too_large", $"The remaining amount that can be captured for this PaymentIntent is {intent.AmountCapturable}, which is less than the requested {amount}.", "amount_to_capture");
        }

        var isFinal = p.Text("final_capture") is not "false";
        if (!isFinal && !charge.Multicapture)
        {
            return StripeError.Refused("payment_intent_invalid_parameter", "You cannot set `final_capture` to `false`: this PaymentIntent does not support multicapture.", "final_capture");
        }

        return books.Now >= charge.CaptureBefore || charge.Card.Acts.Capture == Later.FailsLater
            ? Expire(call, books, intent, charge)
            : Capture(call, books, p, intent, charge, amount, isFinal || amount == intent.AmountCapturable);
    }

    private Answer Capture(Call call, Transaction books, StripeParameters p, PaymentIntent intent, Charge charge, long amount, bool isFinal)
    {
        var transaction = StripeBalance.ForCapture(books, charge, amount);
        var capture = new Movement { Id = Identifiers.Stripe("cap"), Amount = amount, IdempotencyKey = call.Key, Status = MovementStatus.Succeeded, Created = books.Now, BalanceTransaction = transaction.Id, Metadata = p.Map("metadata") };
        books.Put(charge with
        {
            Status = isFinal ? ChargeStatus.Captured : ChargeStatus.Authorized,
            RemainderReleased = isFinal,
            BalanceTransaction = charge.BalanceTransaction ?? transaction.Id,
            Captures = [.. charge.Captures, capture],
        });
        DisputeDesk.Schedule(books, charge, settings.Current.OutcomeDelayMilliseconds);
        var captured = books.Put(intent with
        {
            Status = isFinal ? "succeeded" : "requires_capture",
            AmountCapturable = isFinal ? 0 : intent.AmountCapturable - amount,
            AmountReceived = intent.AmountReceived + amount,
            Metadata = p.Map("metadata", intent.Metadata),
        });
        StripeEvents.Tell(books, settings, charge.Id, null, call, "charge.captured");
        StripeEvents.Tell(books, settings, captured.Id, null, call, isFinal ? "payment_intent.succeeded" : "payment_intent.amount_capturable_updated");
        return Answer.Of(200, StripeIntents.Expanded(captured, p, books));
    }

    /// <summary>The time of a hold that nobody captured or cancelled is over.</summary>
    public void Turn(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        if (books.Charge(turn.Charge) is { RemainderReleased: false } charge && books.PaymentIntent(charge.PaymentIntent) is { Status: "requires_capture" } intent)
        {
            Expire(null, books, intent, charge);
        }
    }

    /// <summary>Too late: the hold is gone, and the intent with it.</summary>
    private Answer Expire(Call? call, Transaction books, PaymentIntent intent, Charge charge)
    {
        books.Put(charge with { Status = charge.AmountCaptured > 0 ? ChargeStatus.Captured : ChargeStatus.Canceled, RemainderReleased = true });
        var expired = books.Put(intent with { Status = "canceled", AmountCapturable = 0, CanceledAt = books.Now, CancellationReason = "automatic" });
        StripeEvents.Tell(books, settings, charge.Id, null, call, "charge.expired");
        StripeEvents.Tell(books, settings, expired.Id, null, call, "payment_intent.canceled");
        return StripeError.Refused("charge_expired_for_capture", "The charge cannot be captured because the authorization has expired. Authorizations expire after a set number of days.", null, StripeJson.Of(expired));
    }
}
