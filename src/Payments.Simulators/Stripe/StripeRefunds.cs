using System.Text;
using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

public sealed class StripeRefunds(Settings settings)
{
    public const string FailsTurn = "stripe_refund_fails";
    public const string SucceedsTurn = "stripe_refund_succeeds";
    private static readonly string[] Parameters = ["charge", "payment_intent", "amount", "reason", "metadata", "currency", "customer", "origin", "instructions_email", "refund_application_fee", "reverse_transfer"];
    private static readonly string[] Reasons = ["duplicate", "fraudulent", "requested_by_customer"];

    public Answer Create(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if (Refuse(p) is { } refused)
        {
            return refused;
        }

        var (charge, missing) = ChargeOf(p, books);
        if (missing is not null)
        {
            return missing;
        }

        if (charge!.AmountCaptured == 0)
        {
            return StripeError.Refused("charge_not_refundable", $"Charge {charge.Id} has not been captured and cannot be refunded; cancel its PaymentIntent instead.");
        }

        if (books.Books.Disputes.NewestFirst().Any(d => d.Charge == charge.Id && !d.IsInquiry && (d.IsWithheld || d.IsOpen)))
        {
            return StripeError.Refused("charge_disputed", $"Charge {charge.Id} has been charged back; cannot issue a refund.");
        }

        var left = charge.AmountCaptured - charge.AmountRefundReserved;
        if (left == 0)
        {
            return StripeError.Refused("charge_already_refunded", $"Charge {charge.Id} has already been refunded.");
        }

        var amount = p.Number("amount") ?? left;
        return amount > left
            ? StripeError.Refused("amount_too_large", $"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount")
            : Refund(call, books, p, charge, amount);
    }

    public static Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return books.Books.ChargeOfRefund.TryGetValue(id, out var chargeId) && books.Charge(chargeId) is { Provider: Providers.Stripe } charge
            ? Answer.Of(200, StripeJson.Of(charge.Refunds.Find(id)!, charge))
            : StripeError.NoSuch("refund", id);
    }

    public static Answer List(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var chargeId = p.Text("charge") ?? books.PaymentIntent(p.Text("payment_intent"))?.LatestCharge;
        IEnumerable<Charge> charges = chargeId is not null
            ? books.Charge(chargeId) is { Provider: Providers.Stripe } one ? [one] : []
            : p.Has("charge") || p.Has("payment_intent") ? [] : books.Books.Charges.NewestFirst().Where(c => c is { Provider: Providers.Stripe, Refunds.Count: > 0 });
        var refunds = charges.SelectMany(c => c.Refunds.Select(r => (Refund: r, Charge: c))).OrderByDescending(r => r.Refund.Created);
        return StripeList.Of(p, "/v1/refunds", refunds, r => r.Refund.Id, r => r.Refund.Created, r => StripeJson.Of(r.Refund, r.Charge));
    }

    public static JsonObject ListOf(Charge charge)
    {
        ArgumentNullException.ThrowIfNull(charge);
        return new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. charge.Refunds.Reverse().Select(r => StripeJson.Of(r, charge))]),
            ["has_more"] = false,
            ["url"] = $"/v1/charges/{charge.Id}/refunds",
        };
    }

    /// <summary>A refund's later turn: it bounces, or a pending one arrives.</summary>
    public void Turn(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        if (books.Charge(turn.Charge) is not { } charge || charge.Refunds.Find(turn.Movement) is not { } refund)
        {
            return;
        }

        var isFailure = turn.Kind == FailsTurn;
        var changed = isFailure
            ? refund with { Status = MovementStatus.Failed, FailureReason = charge.Card.Acts.Refund == Later.FailsOnce ? "unknown" : "lost_or_stolen_card", FailureBalanceTransaction = StripeBalance.ForFailedRefund(books, charge, refund.Id, refund.Amount).Id }
            : refund with { Status = MovementStatus.Succeeded };
        books.Put(charge with { Refunds = charge.Refunds.Replace(changed) });
        StripeEvents.Tell(books, settings, charge.Id, refund.Id, null, isFailure ? ["refund.failed", "refund.updated", "charge.refund.updated"] : ["refund.updated", "charge.refund.updated"]);
    }

    private static Answer? Refuse(StripeParameters p)
    {
        if (p.Unknown(Parameters) is { } unknown)
        {
            return StripeError.Invalid($"Received unknown parameter: {unknown}", unknown, "parameter_unknown");
        }

        if (p.IsBadNumber("amount") || p.Number("amount") is < 1)
        {
            return StripeError.Invalid("Invalid positive integer", "amount", "parameter_invalid_integer");
        }

        if (p.Text("reason") is { } reason && !Reasons.Contains(reason))
        {
            return StripeError.Invalid($"Invalid reason: must be one of {string.Join(", ", Reasons)}", "reason");
        }

        return p.Text("charge") is null && p.Text("payment_intent") is null
            ? StripeError.Invalid("One of the following params should be provided for this request: payment_intent or charge.", null)
            : null;
    }

    private static (Charge? Charge, Answer? Missing) ChargeOf(StripeParameters p, Transaction books)
    {
        if (p.Text("charge") is { } id)
        {
            return books.Charge(id) is { Provider: Providers.Stripe } charge ? (charge, null) : (null, StripeError.NoSuch("charge", id, "charge"));
        }

        var intentId = p.Text("payment_intent")!;
        if (books.PaymentIntent(intentId) is not { } intent)
        {
            return (null, StripeError.NoSuch("payment_intent", intentId, "intent"));
        }

        return books.Charge(intent.LatestCharge) is { Failure: null } latest
            ? (latest, null)
            : (null, StripeError.Refused("payment_intent_unexpected_state", "This PaymentIntent does not have a successful charge to refund."));
    }

    private Answer Refund(Call call, Transaction books, StripeParameters p, Charge charge, long amount)
    {
        var later = charge.Card.Acts.Refund switch
        {
            Later.FailsOnce => charge.Refunds.Count == 0 ? Later.FailsLater : Later.Succeeds,
            var acts => acts,
        };
        var id = Identifiers.Stripe("re");
        var refund = new Movement
        {
            Id = id,
            Amount = amount,
            IdempotencyKey = call.Key,
            Status = later == Later.PendingThenSucceeds ? MovementStatus.Pending : MovementStatus.Succeeded,
            Created = books.Now,
            Reason = p.Text("reason"),
            Reference = StripeAuthorization.ReferenceOf(p.Map("metadata")),
            Metadata = p.Map("metadata"),
            BalanceTransaction = StripeBalance.ForRefund(books, charge, id, amount).Id,
        };
        var refunded = books.Put(charge with { Refunds = [.. charge.Refunds, refund] });
        if (later != Later.Succeeds)
        {
            books.Put(new PendingTurn
            {
                Id = $"turn_{id}",
                Provider = Providers.Stripe,
                Kind = later == Later.FailsLater ? FailsTurn : SucceedsTurn,
                Charge = charge.Id,
                Movement = id,
                DueAt = books.Now.AddMilliseconds(settings.Current.OutcomeDelayMilliseconds),
            });
        }

        StripeEvents.Tell(books, settings, charge.Id, id, call, "refund.created");
        StripeEvents.Tell(books, settings, charge.Id, null, call, "charge.refunded");
        if (later != Later.PendingThenSucceeds)
        {
            StripeEvents.Tell(books, settings, charge.Id, id, call, "refund.updated", "charge.refund.updated");
        }

        return Answer.Of(200, StripeJson.Of(refund, refunded));
    }
}
