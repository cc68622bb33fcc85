using System.Text;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

public sealed class StripeCancellations(Settings settings)
{
    private static readonly string[] Parameters = ["cancellation_reason"];
    private static readonly string[] Reasons = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

    public Answer Cancel(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if (p.Unknown(Parameters) is { } unknown)
        {
            return StripeError.Invalid($"Received unknown parameter: {unknown}", unknown, "parameter_unknown");
        }

        var reason = p.Text("cancellation_reason");
        if (reason is not null && !Reasons.Contains(reason))
        {
            return StripeError.Invalid($"Invalid cancellation_reason: must be one of {string.Join(", ", Reasons)}", "cancellation_reason");
        }

        var id = call.Route("id");
        if (books.PaymentIntent(id) is not { } intent)
        {
            return StripeError.NoSuch("payment_intent", id, "intent");
        }

        // A debit that was handed to the banks cannot be called back.
        if (intent.Status is "succeeded" or "canceled" or "processing" || intent.AmountReceived > 0)
        {
            return StripeIntents.Unexpected(intent, "canceled", "requires_payment_method, requires_capture, requires_confirmation, requires_action, processing");
        }

        if (intent.Status == "requires_capture" && books.Charge(intent.LatestCharge) is { } charge)
        {
            books.Put(charge with
            {
                Status = ChargeStatus.Canceled,
                RemainderReleased = true,
                Voids = [.. charge.Voids, new Movement { Id = Identifiers.Stripe("void"), Amount = intent.AmountCapturable, IdempotencyKey = call.Key, Status = MovementStatus.Succeeded, Created = books.Now, Reason = reason }],
            });
        }

        var canceled = books.Put(intent with { Status = "canceled", AmountCapturable = 0, ActionUrl = null, CanceledAt = books.Now, CancellationReason = reason });
        StripeEvents.Tell(books, settings, canceled.Id, null, call, "payment_intent.canceled");
        return Answer.Of(200, StripeIntents.Expanded(canceled, p, books));
    }
}
