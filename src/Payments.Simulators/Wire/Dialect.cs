using Microsoft.AspNetCore.Http;

namespace Payments.Simulators.Wire;

/// <summary>How a provider says what every provider has to say: no key, wrong key, too fast, broken, busy.</summary>
public abstract class Dialect
{
    public static TimeSpan LongestKeyLifetime { get; } = TimeSpan.FromHours(24);

    public abstract string Provider { get; }

    /// <summary>How long an idempotency key is remembered; afterwards the same key is a new request.</summary>
    public abstract TimeSpan KeyLifetime { get; }

    public abstract int MaximumKeyLength { get; }

    /// <summary>Whether the same key with another request is refused, or simply answered as the first one.</summary>
    public abstract bool ComparesRequests { get; }

    /// <summary>Null when the request's credentials are right.</summary>
    public abstract Answer? Refuse(HttpRequest request);

    public abstract string NewRequestId();

    public abstract Answer KeyTooLong();

    public abstract Answer KeyUsedForAnother(string key);

    public abstract Answer KeyInUse(string key);

    public abstract Answer TooManyRequests();

    public abstract Answer ServerError();

    public abstract Answer ServiceUnavailable();

    public abstract Answer UnreadableBody(string reason);

    public abstract void WriteHeaders(HttpContext context, string requestId, string? key, bool isReplay, Answer answer);
}
