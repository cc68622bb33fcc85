namespace Payments.Core;

/// <summary>A payment as others read it.</summary>
public static class PaymentViews
{
    public static PaymentView View(this PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        var amounts = payment.Amounts;
        var status = payment.Status;
        var details = payment.Details;
        var attempt = payment.AuthorizingAttempt;
        return new PaymentView
        {
            Id = payment.Id.ToString(),
            MerchantId = payment.MerchantId.ToString(),
            Mode = payment.Mode,
            Status = status,
            Amount = payment.Amount.Minor,
            AmountCapturable = payment.HeldForReview ? 0 : amounts.CapturableMinor,
            AmountCaptured = amounts.CapturedMinor - amounts.CaptureReversedMinor + amounts.CaptureExcessMinor,
            AmountRefunded = amounts.RefundedMinor + amounts.RefundExcessMinor,
            Currency = payment.Amount.Currency.Code,
            CaptureMethod = details.CaptureMethod,
            PaymentMethod = details.PaymentMethod,
            Provider = attempt?.Provider,
            ProviderReference = attempt?.PaymentReference,
            Risk = payment.Risk,
            Authentication = AuthenticationView.Of(payment),
            Review = ReviewView.Of(payment, status),
            NextAction = status == PaymentStatus.Pending3ds && attempt?.ActionUrl is { } url ? new NextActionView("redirect", url) : null,
            Decline = status == PaymentStatus.Declined ? attempt?.Decline : null,
            OrderId = details.OrderId,
            Description = details.Description,
            StatementDescriptor = details.StatementDescriptor,
            ReceiptEmail = details.ReceiptEmail,
            Metadata = details.Metadata,
            Origin = details.Origin,
            CreatedAt = Id.TimeOf(payment.Id.Value),
            AuthorizedAt = payment.AuthorizedAt,
            CapturedAt = payment.CapturedAt,
            Version = payment.Version,
        };
    }
}
