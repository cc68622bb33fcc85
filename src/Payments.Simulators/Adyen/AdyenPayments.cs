using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Disputes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary><c>/payments</c> and <c>/payments/details</c>.</summary>
public sealed class AdyenPayments(AdyenCards cards, AdyenNotifications notifications, Settings settings, IOptions<SimulatorsOptions> options)
{
    public const string CaptureTurn = "adyen_automatic_capture";
    public const string OfferTurn = "adyen_offer_closes";

    public Answer Create(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(books);
        var (request, unparsed) = AdyenRequest.Parse(call);
        if (unparsed is not null)
        {
            return unparsed;
        }

        if (Refuse(request!) is { } refused)
        {
            return refused;
        }

        var (card, stored, problem) = cards.Of(request!, books);
        if (problem is not null)
        {
            return problem;
        }

        var behaviour = Behaviours.RequestedAtAdyen(request!.Additional("RequestedTestAcquirerResponseCode")) ?? Behaviours.RequestedAtAdyen(request.Text("paymentMethod.holderName"));
        var facts = behaviour is null ? card! : card! with { Behaviour = behaviour.Name };
        var delay = request.Number("captureDelayHours");
        var isManual = request.Additional("manualCapture") == "true" || delay is < 0;
        var charge = new Charge
        {
            Id = Identifiers.Psp(),
            Provider = Providers.Adyen,
            Reference = request.Text("reference"),
            IdempotencyKey = call.Key,
            Amount = request.Number("amount.value")!.Value,
            Currency = request.Text("amount.currency")!,
            Status = ChargeStatus.Authorized,
            Created = books.Now,
            Card = facts,
            Customer = stored?.Owner,
            PaymentMethod = stored?.Id,
            Metadata = request.Map("metadata"),
            ManualCapture = isManual,
            CaptureDelayHours = delay is > 0 ? delay : null,
            Exemption = request.Additional("scaExemption"),
        };
        var store = request.Flag("storePaymentMethod") && stored is null ? request.Text("shopperReference") : null;
        var preference = PreferenceOf(request);
        if (!Authenticator.Challenges(facts, preference, stored is { SetUp: true }))
        {
            // An issuer that insists refuses softly: the same payment may come again, authenticated.
            return preference == ChallengePreference.None && facts.Acts.Authentication == Authentication.Insists
                ? Answer.Of(200, Refused(books, charge, 38, "Authentication required", "1A : Authentication required", "Refused"))
                : Answer.Of(200, Conclude(books, With(charge, Authenticator.Frictionless(facts, preference)), store));
        }

        if (request.Text("shopperInteraction") == "ContAuth")
        {
            return Answer.Of(200, Refused(books, charge, 38, "Authentication required", "1A : Authentication required", "Refused"));
        }

        return Answer.Of(200, Challenge(call, books, charge, request.Text("returnUrl")!, store));
    }

    /// <summary>The shopper is back with a result.</summary>
    public Answer Details(Call call, Transaction books)
    {
        var (request, unparsed) = AdyenRequest.Parse(call);
        if (unparsed is not null)
        {
            return unparsed;
        }

        if (request!.Text("details.redirectResult") is not { } result)
        {
            return AdyenError.Validation("14_0419", "Required field 'details.redirectResult' is not provided.");
        }

        var charge = books.Charge(result.Split('.')[0]);
        if (charge is not { Provider: Providers.Adyen, Challenge: { Result: not null } challenge } || challenge.Result != result)
        {
            return AdyenError.Validation("14_0419", "Invalid redirectResult.");
        }

        if (charge.Status != ChargeStatus.RequiresAction)
        {
            return Answer.Of(200, Again(charge));
        }

        var answered = charge with { Challenge = challenge with { ShopperReference = null }, Status = ChargeStatus.Authorized };
        return Answer.Of(200, result.EndsWith(".Y", StringComparison.Ordinal)
            ? Conclude(books, With(answered, Authenticator.Answered(isApproved: true)), challenge.StoreCard ? challenge.ShopperReference : null)
            : Refused(books, With(answered, Authenticator.Answered(isApproved: false)), 11, "3D Not Authenticated", "3D Not Authenticated", "Refused"));
    }

    /// <summary>The delay before an automatic capture is over.</summary>
    public static void CaptureAutomatically(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        if (books.Charge(turn.Charge) is { Status: ChargeStatus.Authorized, AmountCaptureReserved: 0 } charge)
        {
            books.Put(Captured(charge, books.Now));
        }
    }

    /// <summary>A challenge that nobody finished in time is closed, and told.</summary>
    public void CloseOffer(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        if (books.Charge(turn.Charge) is { Status: ChargeStatus.RequiresAction } charge)
        {
            var closed = books.Put(charge with { Status = ChargeStatus.Failed, ThreeDSecure = Authenticator.Failure, Failure = new Failure("11", "Offer closed", "3D Not Authenticated") });
            notifications.OfferClosed(books, closed);
        }
    }

    private Answer? Refuse(AdyenRequest request)
    {
        if (AdyenChecks.MerchantAccount(request.Text("merchantAccount"), options.Value.Adyen.MerchantAccount) is { } account)
        {
            return account;
        }

        if (AdyenChecks.Amount(request) is { } amount)
        {
            return amount;
        }

        if (request.Text("reference") is not { } reference)
        {
            return AdyenError.Validation("130", "Reference Missing");
        }

        if (reference.Length > 80)
        {
            return AdyenError.Validation("14_0410", "Field 'reference' may be at most 80 characters long.");
        }

        return request.Text("returnUrl") is null && request.Text("shopperInteraction") is null or "Ecommerce"
            ? AdyenError.Validation("14_0408", "Required field 'returnUrl' is not provided.")
            : null;
    }

    /// <summary>Whether authentication is asked for, and with which of EMVCo's indicators: 03 and 04 want a challenge.</summary>
    private static ChallengePreference PreferenceOf(AdyenRequest request)
    {
        if (request.Text("authenticationData.attemptAuthentication") != "always" && request.Additional("executeThreeD") != "true")
        {
            return ChallengePreference.None;
        }

        return request.Text("threeDS2RequestData.threeDSRequestorChallengeInd") is "03" or "04" ? ChallengePreference.Challenge : ChallengePreference.NoPreference;
    }

    private static Charge With(Charge charge, Authenticated? authenticated) => charge with { ThreeDSecure = authenticated?.Result, ThreeDSecureFlow = authenticated?.Flow };

    private JsonObject Challenge(Call call, Transaction books, Charge charge, string returnUrl, string? store)
    {
        books.Put(charge with { Status = ChargeStatus.RequiresAction, Challenge = new PendingChallenge(returnUrl, null, store is not null, store) });
        books.Put(new PendingTurn { Id = $"turn_offer_{charge.Id}", Provider = Providers.Adyen, Kind = OfferTurn, Charge = charge.Id, DueAt = settings.Current.OfferUntil(books.Now) });
        return new JsonObject
        {
            ["resultCode"] = "RedirectShopper",
            ["action"] = new JsonObject
            {
                ["method"] = "GET",
                ["paymentMethodType"] = "scheme",
                ["type"] = "redirect",
                ["url"] = $"{call.PublicUrl}/3ds/{charge.Id}",
            },
        };
    }

    private JsonObject Conclude(Transaction books, Charge charge, string? storeFor)
    {
        if (charge.Card.Acts.Refusal is { } refusal)
        {
            return Refused(books, charge, refusal.AdyenCode, refusal.AdyenReason, refusal.AdyenRaw, refusal.AdyenResult);
        }

        var approved = charge with { Status = ChargeStatus.Authorized, AuthorisationCode = Identifiers.Digits(6), CaptureBefore = settings.Current.HoldUntil(books.Now, 28) };
        if (storeFor is not null)
        {
            var kept = books.Put(new StoredCard { Id = Identifiers.Psp(), Provider = Providers.Adyen, Card = approved.Card, Owner = storeFor, SetUp = true, Created = books.Now });
            approved = approved with { Customer = storeFor, PaymentMethod = kept.Id };
        }

        if (!approved.ManualCapture && approved.CaptureDelayHours is null)
        {
            approved = Captured(approved, books.Now);
            DisputeDesk.Schedule(books, approved, settings.Current.OutcomeDelayMilliseconds);
        }
        else if (!approved.ManualCapture)
        {
            books.Put(new PendingTurn
            {
                Id = $"turn_{approved.Id}",
                Provider = Providers.Adyen,
                Kind = CaptureTurn,
                Charge = approved.Id,
                DueAt = books.Now.AddHours(approved.CaptureDelayHours!.Value),
            });
        }

        if (approved.ManualCapture)
        {
            books.Put(new PendingTurn { Id = $"turn_expire_{approved.Id}", Provider = Providers.Adyen, Kind = AdyenModifications.ExpireTurn, Charge = approved.Id, DueAt = approved.CaptureBefore!.Value });
        }

        books.Put(approved);
        notifications.Authorisation(books, approved, isSuccess: true, $"{approved.AuthorisationCode}:{approved.Card.Last4}:{approved.Card.ExpMonth}/{approved.Card.ExpYear}");
        return AdyenJson.Result(approved, "Authorised");
    }

    private JsonObject Refused(Transaction books, Charge charge, int code, string reason, string raw, string result)
    {
        var refused = books.Put(charge with { Status = ChargeStatus.Failed, Failure = new Failure(code.ToString(CultureInfo.InvariantCulture), raw, reason) });
        notifications.Authorisation(books, refused, isSuccess: false, reason);
        return AdyenJson.Result(refused, result, code, reason);
    }

    private static JsonObject Again(Charge charge) => charge.Failure is { } failure
        ? AdyenJson.Result(charge, failure.Code == "4" ? "Error" : "Refused", int.Parse(failure.Code, CultureInfo.InvariantCulture), failure.Message)
        : AdyenJson.Result(charge, "Authorised");

    private static Charge Captured(Charge charge, DateTimeOffset now) => charge with
    {
        Status = ChargeStatus.Captured,
        RemainderReleased = true,
        Captures = [new Movement { Id = Identifiers.Psp(), Amount = charge.Amount, IdempotencyKey = charge.IdempotencyKey, Status = MovementStatus.Succeeded, Created = now, Reference = charge.Reference }],
    };
}
