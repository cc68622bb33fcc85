using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;

namespace Payments.Platform.Http;

/// <summary>Refusals that more than one service uses, in one table; each service keeps those of its own use cases beside them.</summary>
public static class Problems
{
    /// <summary>The <c>param</c> of a problem of the whole body.</summary>
    public const string Body = "body";

    // The door: transport, headers, keys.
    public static Problem RouteNotFound { get; } = new(404, "route_not_found", "There is nothing at this path.", "path");
    public static Problem MethodNotAllowed { get; } = new(405, "method_not_allowed", "This path exists, but not with this method; the Allow header lists the methods.", "method");
    public static Problem BadRequest { get; } = new(400, "bad_request", "The request is not well-formed HTTP.", Body);
    public static Problem UnsupportedContentType { get; } = new(415, "unsupported_content_type", "Send the body as application/json in UTF-8, without content encoding.", "Content-Type");
    public static Problem BodyTooLarge { get; } = new(413, "body_too_large", "A body may have up to 65536 bytes.", Body);
    public static Problem InternalError { get; } = new(500, "internal_error", "Something failed on our side. Repeat the request with the same Idempotency-Key, or quote the request id to support.");
    public static Problem ApiKeyMissing { get; } = new(401, "api_key_missing", "Send a key as 'Authorization: Bearer <key>', or as the user name of Basic authentication.", "Authorization");
    public static Problem ApiKeyInvalid { get; } = new(401, "api_key_invalid", "This key does not exist, was revoked, or belongs to another interface.", "Authorization");
    public static Problem KeyClassNotAllowed { get; } = new(403, "key_class_not_allowed", "Keys of this class may not do this: publishable keys make tokens, secret keys do everything else.", "Authorization");
    public static Problem ScopeNotAllowed { get; } = new(403, "scope_not_allowed", "This key was not given the scope that this request needs.", "Authorization");
    public static Problem MerchantSuspended { get; } = new(403, "merchant_suspended", "The merchant is suspended: reading is possible, nothing else.", "Authorization");
    public static Problem SignatureMissing { get; } = new(401, "signature_missing", "This key requires signed requests: send Signature-Timestamp and Signature.", "Signature");
    public static Problem SignatureInvalid { get; } = new(401, "signature_invalid", "The signature does not match method, path, query, timestamp, Idempotency-Key and body.", "Signature");
    public static Problem SignatureExpired { get; } = new(401, "signature_expired", "The timestamp is not unix seconds within 300 s of our clock.", "Signature-Timestamp");
    public static Problem SignatureReplayed { get; } = new(401, "signature_replayed", "This signature was used before. Sign each request anew; decimals of the timestamp tell apart requests of one second.", "Signature");

    // Bodies.
    public static Problem BodyMissing { get; } = new(400, "body_missing", "A JSON object is expected as the body.", Body);
    public static Problem InvalidUtf8 { get; } = new(400, "invalid_utf8", "The body is not valid UTF-8.", Body);
    public static Problem InvalidJson { get; } = new(400, "invalid_json", "The body is not one well-formed JSON object.", Body);
    public static Problem BodyTooDeep { get; } = new(400, "body_too_deep", "The body is nested deeper than 16 levels.", Body);

    // Idempotency.
    public static Problem IdempotencyKeyMissing { get; } = new(400, "idempotency_key_missing", "Every POST needs an Idempotency-Key header.", "Idempotency-Key");
    public static Problem IdempotencyKeyInvalid { get; } = new(400, "idempotency_key_invalid", "An Idempotency-Key has 1 to 255 printable ASCII characters, quoted or not.", "Idempotency-Key");
    public static Problem IdempotencyKeyReused { get; } = new(422, "idempotency_key_reused", "This Idempotency-Key was used before with another request.", "Idempotency-Key");
    public static Problem IdempotencyKeyInUse { get; } = new(409, "idempotency_key_in_use", "A request with this Idempotency-Key is still running; repeat it in a moment.", "Idempotency-Key") { RetryAfter = TimeSpan.FromSeconds(1) };

    /// <summary>A member with a value that its type allows and its meaning does not.</summary>
    public static Problem InvalidValue(string param, string detail) => new(400, "invalid_value", detail, param);

    public static Problem MissingField(string param) => new(400, "missing_field", "This member is required.", param);

    public static Problem UnknownField(string param) => new(400, "unknown_field", "There is no such member.", param);

    public static Problem DuplicateField(string param) => new(400, "duplicate_field", "This member is given more than once.", param);

    public static Problem NullField(string param) => new(400, "null_field", "This member may be absent or have a value, but not be null.", param);

    public static Problem WrongType(string param, string expected) => new(400, "wrong_type", $"{expected} is expected.", param);

    public static Problem InvalidCharacter(string param) => new(400, "invalid_character", "U+0000 and unpaired surrogates are not accepted.", param);

    public static Problem MissingParameter(string param) => new(400, "missing_parameter", "This query parameter is required.", param);

    public static Problem UnknownParameter(string param) => new(400, "unknown_parameter", "There is no such query parameter.", param);

    public static Problem DuplicateParameter(string param) => new(400, "duplicate_parameter", "This query parameter is given more than once.", param);

    public static Problem InvalidParameter(string param, string detail) => new(400, "invalid_parameter", detail, param);

    /// <summary>An id that is unknown, malformed, or of another merchant or mode: all three look alike from outside.</summary>
    /// <param name="what">The resource in snake_case: <c>payment</c> gives <c>payment_not_found</c>.</param>
    public static Problem NotFound(string what, string param = "id") =>
        new(404, what + "_not_found", $"There is no such {what.Replace('_', ' ')} in this mode.", param);

    public static Problem RateLimited(TimeSpan retryAfter) =>
        new(429, "rate_limited", "Too many requests with this key; repeat after the time in Retry-After.", "Authorization") { RetryAfter = retryAfter };

    /// <summary>An outage met somewhere on the way: what was done of the request is safe to ask for again.</summary>
    public static Problem OutOfReach { get; } =
        new(503, "service_unavailable", "Something this request needs does not answer at the moment. Repeat the request with the same Idempotency-Key.") { RetryAfter = TimeSpan.FromSeconds(2) };

    /// <summary>More is asked than this process can do; refused before anything was begun.</summary>
    public static Problem Overloaded { get; } =
        new(503, "overloaded", "More is asked at the moment than can be done; nothing was done. Repeat the request with the same Idempotency-Key.") { RetryAfter = TimeSpan.FromSeconds(1) };

    public static Problem ServiceUnavailable(string what, TimeSpan? retryAfter = null) =>
        new(503, "service_unavailable", $"{what} does not answer at the moment; nothing was done. Repeat the request.") { RetryAfter = retryAfter ?? TimeSpan.FromSeconds(2) };

    /// <summary>The body for a status that the framework set without one.</summary>
    internal static Problem OfStatus(int status) =>
        ByStatus.GetValueOrDefault(status) ?? (status >= 500 ? InternalError with { Status = status } : BadRequest with { Status = status });

    private static readonly FrozenDictionary<int, Problem> ByStatus = new[]
    {
        BadRequest, RouteNotFound, MethodNotAllowed, BodyTooLarge, UnsupportedContentType, ApiKeyInvalid, InternalError,
        new(StatusCodes.Status403Forbidden, "forbidden", "This is not allowed.", "Authorization"),
        new(StatusCodes.Status408RequestTimeout, "request_timeout", "The request did not arrive in time.", Body),
        new(StatusCodes.Status429TooManyRequests, "rate_limited", "Too many requests; repeat later.", "Authorization"),
        new(StatusCodes.Status503ServiceUnavailable, "service_unavailable", "The service cannot answer now; repeat the request."),
    }.ToFrozenDictionary(p => p.Status);
}
