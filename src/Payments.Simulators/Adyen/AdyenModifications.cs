using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Disputes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>
/// Captures, refunds, cancels, reversals: always "received" at first, decided a little later, told by webhook. Whether it is
/// possible is only found out then.
/// </summary>
public sealed class AdyenModifications(AdyenNotifications notifications, Settings settings, IOptions<SimulatorsOptions> options)
{
    public const string CaptureTurn = "adyen_capture";
    public const string CaptureFailsTurn = "adyen_capture_fails";
    public const string RefundTurn = "adyen_refund";
    public const string RefundFailsTurn = "adyen_refund_fails";
    public const string CancelTurn = "adyen_cancel";
    public const string ExpireTurn = "adyen_hold_expires";
    private const string NoBalance = "Insufficient balance on payment";

    public Answer Capture(Call call, Transaction books) => Receive(call, books, CaptureTurn, withAmount: true);

    public Answer Refund(Call call, Transaction books) => Receive(call, books, RefundTurn, withAmount: true);

    public Answer Cancel(Call call, Transaction books) => Receive(call, books, CancelTurn, withAmount: false);

    /// <summary>Cancels what is not captured, refunds what is.</summary>
    public Answer Reverse(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(call);
        return Receive(call, books, books.Charge(call.Route("psp")) is { AmountCaptureReserved: > 0 } ? RefundTurn : CancelTurn, withAmount: false);
    }

    /// <summary>Decides a modification that was received.</summary>
    public void Turn(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        var charge = books.Charge(turn.Charge) ?? throw new InvalidOperationException($"{turn.Id} is about an unknown payment.");
        switch (turn.Kind)
        {
            case CaptureTurn:
                DecideCapture(books, charge, charge.Captures.Find(turn.Movement)!);
                break;
            case CaptureFailsTurn:
                var capture = charge.Captures.Find(turn.Movement)! with { Status = MovementStatus.Failed, FailureReason = "Capture Failed" };
                books.Put(charge with { Captures = charge.Captures.Replace(capture), Status = charge.AmountCaptured > capture.Amount ? ChargeStatus.Captured : ChargeStatus.Failed });
                notifications.Modification(books, charge, capture, "CAPTURE_FAILED", isSuccess: true, "Capture Failed");
                break;
            case RefundTurn:
                DecideRefund(books, charge, charge.Refunds.Find(turn.Movement)!);
                break;
            case RefundFailsTurn:
                var refund = charge.Refunds.Find(turn.Movement)! with { Status = MovementStatus.Failed, FailureReason = "Refund Failed" };
                books.Put(charge with { Refunds = charge.Refunds.Replace(refund) });
                notifications.Modification(books, charge, refund, "REFUND_FAILED", isSuccess: true, "Refund Failed");
                break;
            case ExpireTurn:
                Expire(books, charge);
                break;
            case CancelTurn:
                DecideCancel(books, charge, charge.Voids.Find(turn.Movement)!);
                break;
            default:
                throw new InvalidOperationException($"{turn.Kind} is no modification.");
        }
    }

    private void DecideCapture(Transaction books, Charge charge, Movement capture)
    {
        var isPossible = charge.Status == ChargeStatus.Authorized && capture.Amount > 0 && charge.AmountCaptured + capture.Amount <= charge.Amount;
        var decided = capture with { Status = isPossible ? MovementStatus.Succeeded : MovementStatus.Failed, FailureReason = isPossible ? null : NoBalance };
        var isAll = isPossible && charge.AmountCaptured + capture.Amount == charge.Amount;
        var changed = books.Put(charge with
        {
            Captures = charge.Captures.Replace(decided),
            Status = isAll ? ChargeStatus.Captured : charge.Status,
            RemainderReleased = charge.RemainderReleased || isAll,
        });
        notifications.Modification(books, changed, decided, "CAPTURE", isPossible, decided.FailureReason ?? "");
        if (isPossible)
        {
            DisputeDesk.Schedule(books, changed, settings.Current.OutcomeDelayMilliseconds);
        }

        if (isPossible && charge.Card.Acts.Capture == Later.FailsLater)
        {
            Schedule(books, CaptureFailsTurn, charge.Id, capture.Id);
        }
    }

    private void DecideRefund(Transaction books, Charge charge, Movement refund)
    {
        var isPossible = refund.Amount > 0 && charge.AmountRefunded + refund.Amount <= charge.AmountCaptured;
        var decided = refund with { Status = isPossible ? MovementStatus.Succeeded : MovementStatus.Failed, FailureReason = isPossible ? null : NoBalance };
        var changed = books.Put(charge with { Refunds = charge.Refunds.Replace(decided) });
        notifications.Modification(books, changed, decided, "REFUND", isPossible, decided.FailureReason ?? "");
        if (isPossible && (charge.Card.Acts.Refund == Later.FailsLater || (charge.Card.Acts.Refund == Later.FailsOnce && charge.Refunds.Count == 1)))
        {
            Schedule(books, RefundFailsTurn, charge.Id, refund.Id);
        }
    }

    private void DecideCancel(Transaction books, Charge charge, Movement cancel)
    {
        var isPossible = charge.Status == ChargeStatus.Authorized && charge.AmountCaptured == 0;
        var decided = cancel with { Status = isPossible ? MovementStatus.Succeeded : MovementStatus.Failed, FailureReason = isPossible ? null : "Transaction is already captured or canceled" };
        var changed = books.Put(charge with
        {
            Voids = charge.Voids.Replace(decided),
            Status = isPossible ? ChargeStatus.Canceled : charge.Status,
            RemainderReleased = charge.RemainderReleased || isPossible,
        });
        notifications.Modification(books, changed, decided, "CANCELLATION", isPossible, decided.FailureReason ?? "");
    }

    /// <summary>The time of a hold that nobody captured or cancelled is over.</summary>
    private void Expire(Transaction books, Charge charge)
    {
        if (charge is { Status: ChargeStatus.Authorized, RemainderReleased: false })
        {
            var expired = books.Put(charge with { Status = charge.AmountCaptured > 0 ? ChargeStatus.Captured : ChargeStatus.Canceled, RemainderReleased = true });
            notifications.Expired(books, expired);
        }
    }

    private Answer Receive(Call call, Transaction books, string kind, bool withAmount)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(books);
        var (request, unparsed) = AdyenRequest.Parse(call);
        if (unparsed is not null)
        {
            return unparsed;
        }

        var account = options.Value.Adyen.MerchantAccount;
        if ((AdyenChecks.MerchantAccount(request!.Text("merchantAccount"), account) ?? (withAmount ? AdyenChecks.Amount(request) : null)) is { } refused)
        {
            return refused;
        }

        var psp = call.Route("psp");
        if (books.Charge(psp) is not { Provider: Providers.Adyen } charge)
        {
            return AdyenError.Validation("167", "Original pspReference required for this operation");
        }

        if (withAmount && request.Text("amount.currency") != charge.Currency)
        {
            return AdyenError.Validation("138", "Unsupported currency specified");
        }

        var amount = withAmount ? request.Number("amount.value")!.Value : kind == RefundTurn ? charge.AmountCaptured - charge.AmountRefundReserved : charge.Amount - charge.AmountCaptureReserved;
        var received = new Movement { Id = Identifiers.Psp(), Amount = amount, IdempotencyKey = call.Key, Status = MovementStatus.Pending, Created = books.Now, Reference = request.Text("reference"), Reason = request.Text("merchantRefundReason") };
        books.Put(kind switch
        {
            CaptureTurn => charge with { Captures = [.. charge.Captures, received] },
            RefundTurn => charge with { Refunds = [.. charge.Refunds, received] },
            _ => charge with { Voids = [.. charge.Voids, received] },
        });
        Schedule(books, kind, charge.Id, received.Id);

        var json = new JsonObject { ["merchantAccount"] = account, ["paymentPspReference"] = charge.Id, ["pspReference"] = received.Id };
        if (received.Reference is not null)
        {
            json["reference"] = received.Reference;
        }

        json["status"] = "received";
        if (withAmount)
        {
            json["amount"] = AdyenJson.Amount(amount, charge.Currency);
        }

        return Answer.Of(201, json);
    }

    private void Schedule(Transaction books, string kind, string charge, string movement) => books.Put(new PendingTurn
    {
        Id = $"turn_{kind}_{movement}",
        Provider = Providers.Adyen,
        Kind = kind,
        Charge = charge,
        Movement = movement,
        DueAt = books.Now.AddMilliseconds(settings.Current.OutcomeDelayMilliseconds),
    });
}
