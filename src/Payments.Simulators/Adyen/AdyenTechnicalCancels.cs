using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>
/// Cancelling by the merchant's own reference, for a payment whose answer never arrived. Whether there is such a payment is only
/// told by webhook.
/// </summary>
public sealed class AdyenTechnicalCancels(AdyenNotifications notifications, Settings settings, IOptions<SimulatorsOptions> options)
{
    public const string CancelTurn = "adyen_technical_cancel";

    public Answer Cancel(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(books);
        var (request, unparsed) = AdyenRequest.Parse(call);
        if (unparsed is not null)
        {
            return unparsed;
        }

        var account = options.Value.Adyen.MerchantAccount;
        if (AdyenChecks.MerchantAccount(request!.Text("merchantAccount"), account) is { } refused)
        {
            return refused;
        }

        if (request.Text("paymentReference") is not { } payment)
        {
            return AdyenError.Validation("14_0408", "Required field 'paymentReference' is not provided.");
        }

        var psp = Identifiers.Psp();
        books.Put(new PendingTurn
        {
            Id = $"turn_{CancelTurn}_{psp}",
            Provider = Providers.Adyen,
            Kind = CancelTurn,
            Charge = payment,
            Movement = psp,
            Reference = request.Text("reference"),
            IdempotencyKey = call.Key,
            DueAt = books.Now.AddMilliseconds(settings.Current.OutcomeDelayMilliseconds),
        });
        var json = new JsonObject { ["merchantAccount"] = account, ["paymentReference"] = payment, ["pspReference"] = psp };
        if (request.Text("reference") is { } reference)
        {
            json["reference"] = reference;
        }

        json["status"] = "received";
        return Answer.Of(201, json);
    }

    public void Turn(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        var charges = books.ChargesOf(Providers.Adyen, turn.Charge).ToList();
        if (charges.Find(c => c is { Status: ChargeStatus.Authorized, AmountCaptureReserved: 0 }) is not { } held)
        {
            notifications.TechnicalCancel(books, charges.LastOrDefault(), turn, isSuccess: false, charges.Count == 0 ? "Original payment not found" : "Transaction is not in a state to be canceled");
            return;
        }

        var canceled = books.Put(held with
        {
            Status = ChargeStatus.Canceled,
            RemainderReleased = true,
            Voids = [.. held.Voids, new Movement { Id = turn.Movement!, Amount = held.Amount, IdempotencyKey = turn.IdempotencyKey, Status = MovementStatus.Succeeded, Created = books.Now, Reference = turn.Reference }],
        });
        notifications.TechnicalCancel(books, canceled, turn, isSuccess: true, "");
    }
}
