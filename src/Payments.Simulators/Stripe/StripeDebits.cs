using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Disputes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>
/// Debits of bank accounts: submitted at once, told after the debit delay. The vendor writes the amount to the balance when it submits and
/// takes it off again when the bank returns it; here it is written when it has come.
/// </summary>
public sealed class StripeDebits(Settings settings)
{
    public const string SettleTurn = "stripe_debit_settles";

    /// <summary>Nacha wants proof of who authorized the debit.</summary>
    public static Answer? RefuseMandate(StripeParameters p)
    {
        ArgumentNullException.ThrowIfNull(p);
        var isOnline = p.Text("mandate_data[customer_acceptance][type]") == "online";
        return isOnline && p.Text("mandate_data[customer_acceptance][online][ip_address]") is not null && p.Text("mandate_data[customer_acceptance][online][user_agent]") is not null
            ? null
            : StripeError.Invalid("Customer acceptance is required for this PaymentMethod: provide `mandate_data` with `customer_acceptance`.", "mandate_data", "payment_intent_mandate_invalid");
    }

    public PaymentIntent Submit(Call call, Transaction books, PaymentIntent intent, StoredCard account)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(intent);
        ArgumentNullException.ThrowIfNull(account);
        StripeAuthorization.Keep(books, intent, account);
        var charge = books.Put(StripeAuthorization.NewCharge(books, intent, account, null) with { Status = ChargeStatus.Pending });
        if (!account.Card.Acts.StaysProcessing)
        {
            books.Put(new PendingTurn
            {
                Id = $"turn_debit_{charge.Id}",
                Provider = Providers.Stripe,
                Kind = SettleTurn,
                Charge = charge.Id,
                DueAt = books.Now.AddMilliseconds(settings.Current.DebitDelay),
            });
        }

        var processing = books.Put(intent with { Status = "processing", LatestCharge = charge.Id });
        StripeEvents.Tell(books, settings, charge.Id, null, call, "charge.pending");
        StripeEvents.Tell(books, settings, processing.Id, null, call, "payment_intent.processing");
        return processing;
    }

    /// <summary>The bank has paid, or returned it.</summary>
    public void Turn(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        if (books.Charge(turn.Charge) is not { Status: ChargeStatus.Pending } charge || books.PaymentIntent(charge.PaymentIntent) is not { Status: "processing" } intent)
        {
            return;
        }

        if (charge.Card.Acts.Debit is { } returned)
        {
            Return(books, intent, charge, new Failure(returned.StripeCode, null, returned.StripeMessage));
            return;
        }

        var transaction = StripeBalance.ForCapture(books, charge, intent.Amount);
        var paid = books.Put(charge with
        {
            Status = ChargeStatus.Captured,
            BalanceTransaction = transaction.Id,
            Captures = [new Movement { Id = Identifiers.Stripe("cap"), Amount = intent.Amount, IdempotencyKey = intent.IdempotencyKey, Status = MovementStatus.Succeeded, Created = books.Now, BalanceTransaction = transaction.Id }],
        });
        DisputeDesk.Schedule(books, paid, settings.Current.DebitDelay);
        var succeeded = books.Put(intent with { Status = "succeeded", AmountReceived = intent.Amount });
        StripeEvents.Tell(books, settings, charge.Id, null, null, "charge.succeeded");
        StripeEvents.Tell(books, settings, succeeded.Id, null, null, "payment_intent.succeeded");
    }

    private void Return(Transaction books, PaymentIntent intent, Charge charge, Failure failure)
    {
        books.Put(charge with { Status = ChargeStatus.Failed, Failure = failure });
        var failed = books.Put(intent with
        {
            Status = "requires_payment_method",
            PaymentMethod = null,
            LastPaymentError = failure,
            LastPaymentErrorMethod = charge.PaymentMethod,
        });
        StripeEvents.Tell(books, settings, charge.Id, null, null, "charge.failed");
        StripeEvents.Tell(books, settings, failed.Id, null, null, "payment_intent.payment_failed");
    }
}
