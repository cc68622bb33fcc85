using System.Text.Json.Serialization;

namespace Payments.Core;

/// <summary>A payment provider (acquirer) behind the connector interface.</summary>
public enum Provider
{
    Stripe,
    Adyen,
}

/// <summary>What can be done with a payment.</summary>
public enum OperationKind
{
    Authorize,
    Capture,
    Void,
    Refund,
}

/// <summary>Where one operation stands. An <see cref="Unknown"/> operation keeps its reservation until it is settled.</summary>
public enum OperationState
{
    /// <summary>Decided and durable; the provider has not answered yet.</summary>
    Open,

    /// <summary>The provider has it and will tell the outcome later, or waits for the customer (3-D Secure).</summary>
    Pending,

    Succeeded,
    Failed,

    /// <summary>The provider may or may not have done it: a timeout, a reset or an unreadable answer after sending.</summary>
    Unknown,

    /// <summary>It had succeeded and the provider took it back later (capture failed, refund bounced).</summary>
    Reversed,
}

/// <summary>A payment's status: a documented function of its operations, never set by hand.</summary>
public enum PaymentStatus
{
    Created,
    Rejected,

    [JsonStringEnumMemberName("pending_3ds")]
    Pending3ds,

    Authorizing,
    Processing,
    InReview,
    Authorized,
    Declined,
    Failed,
    Voiding,
    Voided,
    Expired,
    Capturing,
    Captured,
    Settling,
    Settled,
    Refunding,
    PartiallyRefunded,
    Refunded,
    Disputed,
}

/// <summary>How a payment came to our books.</summary>
public enum PaymentOrigin
{
    /// <summary>A merchant asked for it.</summary>
    Merchant,

    /// <summary>A provider had it and we did not: made of the provider's record.</summary>
    Recovered,
}

/// <summary>Whether the money is taken with the authorization or by a later call.</summary>
public enum CaptureMethod
{
    Automatic,
    Manual,
}

/// <summary>Whether trying the same card again can make sense.</summary>
public enum DeclineKind
{
    Soft,
    Hard,
}

/// <summary>What fraud scoring asks the payment path to do.</summary>
public enum FraudVerdict
{
    Approve,
    Challenge,
    Review,
    Reject,
}

/// <summary>What the payment path asks the provider for in 3-D Secure.</summary>
public enum ThreeDSecureRequest
{
    /// <summary>Nothing is asked for; the issuer may still demand it.</summary>
    None,

    /// <summary>Authentication is asked for without preference: the issuer chooses between frictionless and challenge.</summary>
    NoPreference,

    /// <summary>A challenge is asked for.</summary>
    Challenge,
}
