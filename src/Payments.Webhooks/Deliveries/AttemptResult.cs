namespace Payments.Webhooks.Deliveries;

/// <summary>What one attempt means for its delivery.</summary>
public enum Verdict
{
    Delivered,

    /// <summary>Tried again by the schedule.</summary>
    Failed,

    /// <summary>Trying again is pointless (an address that does not exist).</summary>
    Hopeless,

    /// <summary>The receiver said 410: it wants nothing any more.</summary>
    Gone,
}

/// <summary>How one attempt went.</summary>
/// <param name="Error">A name from <see cref="AttemptErrors"/> where there was no usable answer.</param>
/// <param name="Response">The beginning of the answer, made safe to store.</param>
/// <param name="RetryAfter">The receiver's wish.</param>
public sealed record AttemptResult(Verdict Verdict, TimeSpan Duration, int? StatusCode = null, string? Error = null, string? Response = null, TimeSpan? RetryAfter = null);

/// <summary>Why an attempt got no answer; merchants read these in the delivery log.</summary>
public static class AttemptErrors
{
    public const string Timeout = "timeout";
    public const string NameNotResolved = "name_not_resolved";
    public const string AddressNotAllowed = "address_not_allowed";
    public const string ConnectionFailed = "connection_failed";
    public const string TlsFailed = "tls_failed";
    public const string InvalidAnswer = "invalid_answer";
    public const string RedirectNotFollowed = "redirect_not_followed";
    public const string NotAccepted = "not_accepted";
    public const string MailRefused = "mail_refused";
    public const string MailServerFailed = "mail_server_failed";

    /// <summary>Our own fault; the log of the service has it.</summary>
    public const string Internal = "internal_error";
}
