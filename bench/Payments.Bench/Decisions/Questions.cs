using System.Globalization;
using Payments.Core;
using Payments.Core.Events;
using Payments.Core.Seams;
using Payments.TrafficGenerator;
using Payments.TrafficGenerator.Population;

namespace Payments.Bench.Decisions;

/// <summary>A payment of a stream as the fraud service is asked about it, and as its events tell of it afterwards.</summary>
internal sealed class Questions(IdSource ids)
{
    private readonly Dictionary<int, MerchantId> merchants = [];

    /// <summary>In the order of the stream; not for several threads.</summary>
    public FraudRequest Of(TrafficPayment payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        if (!merchants.TryGetValue(payment.Merchant.Number, out var merchant))
        {
            merchants.Add(payment.Merchant.Number, merchant = ids.New<MerchantId>());
        }

        var card = payment.Card;
        return new(ids.New<PaymentId>(), merchant, Mode.Live, payment.AmountMinor, payment.Currency, card.Fingerprint, card.Brand, card.Bin, card.Country, card.Funding)
        {
            RequestHash = payment.Number.ToString("x64", CultureInfo.InvariantCulture),
            CustomerReference = payment.CustomerReference,
            Context = payment.Ip is null && payment.Email is null
                ? null
                : new(
                    payment.Ip, payment.Device?.UserAgent, payment.Device?.Id, payment.Email, Address(payment.BillingAddress), Address(payment.ShippingAddress),
                    payment.SessionSeconds, payment.AccountCreatedAt),
        };
    }

    /// <summary>What became of a payment that was not rejected.</summary>
    public PaymentEvent Outcome(TrafficPayment payment, FraudRequest request, FraudDecision decision)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(request);
        var approved = payment.Decline is null;
        var view = new PaymentView
        {
            Id = request.PaymentId.ToString(),
            MerchantId = request.MerchantId.ToString(),
            Mode = request.Mode,
            Status = approved ? PaymentStatus.Captured : PaymentStatus.Declined,
            Amount = request.AmountMinor,
            AmountCapturable = 0,
            AmountCaptured = approved ? request.AmountMinor : 0,
            AmountRefunded = 0,
            Currency = request.Currency,
            CaptureMethod = CaptureMethod.Automatic,
            PaymentMethod = new("card", request.CardBrand, null, request.CardCountry, request.CardFunding, null),
            Risk = new(decision.Score, decision.Verdict, decision.Factors),
            CreatedAt = payment.At,
            AuthorizedAt = approved ? payment.At : null,
            CapturedAt = approved ? payment.At : null,
            Version = 2,
        };
        return new(ids.New<EventId>(), approved ? PaymentEventTypes.Authorized : PaymentEventTypes.Declined, request.PaymentId, request.MerchantId, request.Mode, 2, payment.At, new(view, null, null));
    }

    private static RiskAddress? Address(PostalAddress? address) =>
        address is null ? null : new(address.Line1, null, address.City, address.PostalCode, null, address.Country);
}
