using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Stripe's credentials, headers and general errors.</summary>
public sealed class StripeDialect(IOptions<SimulatorsOptions> options) : Dialect
{
    /// <summary>Answers are those of this version, whatever the client asks for.</summary>
    public const string ApiVersion = "2026-10-28.endive";

    public override string Provider => Providers.Stripe;

    public override TimeSpan KeyLifetime => LongestKeyLifetime;

    public override int MaximumKeyLength => 255;

    public override bool ComparesRequests => true;

    public override Answer? Refuse(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var given = Credential(request.Headers.Authorization.ToString());
        if (given is null)
        {
            return StripeError.Of(401, "invalid_request_error", null, "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.", isKept: false);
        }

        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(options.Value.Stripe.ApiKey))
            ? null
            : StripeError.Of(401, "invalid_request_error", null, $"Invalid API Key provided: {Masked(given)}", isKept: false);
    }

    public override string NewRequestId() => Identifiers.StripeRequest();

    public override Answer KeyTooLong() =>
        StripeError.Invalid("Idempotency keys may be at most 255 characters long.", null);

    public override Answer KeyUsedForAnother(string key) =>
        StripeError.Of(400, "idempotency_error", null, $"Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request.", isKept: false);

    public override Answer KeyInUse(string key) =>
        StripeError.Of(409, "idempotency_error", "idempotency_key_in_use", $"There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): {key}. Please try again later.", isKept: false);

    public override Answer TooManyRequests() =>
        StripeError.Of(429, "invalid_request_error", "rate_limit", "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.", isKept: false);

    public override Answer ServerError() =>
        StripeError.Of(500, "api_error", null, "An unknown error occurred.");

    public override Answer ServiceUnavailable() =>
        StripeError.Of(503, "api_error", null, "The service is temporarily unavailable.", isKept: false);

    public override Answer UnreadableBody(string reason) => StripeError.Invalid(reason, null);

    public override void WriteHeaders(HttpContext context, string requestId, string? key, bool isReplay, Answer answer)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(answer);
        var headers = context.Response.Headers;
        headers["Request-Id"] = requestId;
        headers["Stripe-Version"] = context.Request.Headers.TryGetValue("Stripe-Version", out var asked) ? asked.ToString() : ApiVersion;
        if (key is not null)
        {
            headers["Idempotency-Key"] = key;
        }

        if (isReplay)
        {
            headers["Idempotent-Replayed"] = "true";
        }

        switch (answer.Status)
        {
            case 409:
                headers["Stripe-Should-Retry"] = "true";
                break;
            case 500 or 402 or 400:
                headers["Stripe-Should-Retry"] = "false";
                break;
            default:
                break;
        }
    }

    /// <summary>Bearer, or Basic with the key as the user name.</summary>
    private static string? Credential(string authorization)
    {
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return authorization["Bearer ".Length..].Trim();
        }

        if (!authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var buffer = new byte[authorization.Length];
        return Convert.TryFromBase64String(authorization["Basic ".Length..].Trim(), buffer, out var length)
            ? Encoding.UTF8.GetString(buffer, 0, length).Split(':')[0]
            : null;
    }

    private static string Masked(string key) => key.Length < 12 ? "****" : $"{key[..8]}{new string('*', key.Length - 12)}{key[^4..]}";
}
