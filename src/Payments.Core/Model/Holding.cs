namespace Payments.Core;

/// <summary>Why a hold is to be released without its merchant asking now.</summary>
public enum OrphanReason
{
    /// <summary>The merchant gave the order up after the payment was made.</summary>
    OrderCancelled,

    /// <summary>The merchant, or a review, wanted the void, and the provider did not do it then.</summary>
    VoidAsked,

    /// <summary>The merchant's capture window is over.</summary>
    CaptureWindow,

    /// <summary>The provider takes no capture of this card and kind of transaction any more.</summary>
    ProviderLimit,
}

/// <summary>What is known of a hold beside its payment. Spans are database time.</summary>
/// <param name="HeldFor">Since the authorization was written down.</param>
/// <param name="Window">The merchant's capture window.</param>
/// <param name="ProviderLimit">How long the provider holds it, counted like <paramref name="HeldFor"/>; absent: not known.</param>
public sealed record Hold(TimeSpan HeldFor, TimeSpan Window, TimeSpan? ProviderLimit, bool IsOrderCancelled);

/// <summary>Which holds are orphaned: a customer's money is held, and nobody will take it.</summary>
public static class Holding
{
    /// <summary>Nothing is released by itself before this age: a capture may be on its way, and so may a person who notices a mistake.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(4);

    /// <summary>Null while it is to be left alone.</summary>
    public static OrphanReason? Orphaned(PaymentState payment, Hold hold)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(hold);
        if (hold.HeldFor < Grace || payment.Authorization is not { State: OperationState.Succeeded } || payment.Amounts.CapturableMinor <= 0)
        {
            return null;
        }

        return hold.IsOrderCancelled ? OrphanReason.OrderCancelled
            : payment.Operations.Any(o => o is { Kind: OperationKind.Void, Origin: OperationOrigin.Merchant or OperationOrigin.Review, State: OperationState.Failed }) ? OrphanReason.VoidAsked
            : hold.HeldFor >= hold.Window && (hold.ProviderLimit is not { } limit || hold.Window <= limit) ? OrphanReason.CaptureWindow
            : hold.HeldFor >= hold.ProviderLimit ? OrphanReason.ProviderLimit
            : null;
    }

    /// <summary>What the merchant wanted ends as voided, what ran out as expired.</summary>
    public static OperationOrigin OriginOf(OrphanReason reason) =>
        reason is OrphanReason.OrderCancelled or OrphanReason.VoidAsked ? OperationOrigin.Merchant : OperationOrigin.Expiry;
}
