using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>Adyen's credentials, headers and general errors.</summary>
public sealed class AdyenDialect(IOptions<SimulatorsOptions> options) : Dialect
{
    public override string Provider => Providers.Adyen;

    /// <summary>The vendor promises longer; forgetting after a day is what a client must survive.</summary>
    public override TimeSpan KeyLifetime => LongestKeyLifetime;

    public override int MaximumKeyLength => 64;

    /// <summary>The vendor answers a known key with the first answer, whatever the new request says.</summary>
    public override bool ComparesRequests => false;

    public override Answer? Refuse(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var given = request.Headers["X-API-Key"].ToString();
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(options.Value.Adyen.ApiKey))
            ? null
            : AdyenError.Of(401, "000", "HTTP Status Response - Unauthorized", "security");
    }

    public override string NewRequestId() => Identifiers.Psp();

    public override Answer KeyTooLong() => AdyenError.Validation("702", "The idempotency key may be at most 64 characters long.");

    public override Answer KeyUsedForAnother(string key) => throw new InvalidOperationException("Adyen does not compare requests.");

    public override Answer KeyInUse(string key) => AdyenError.Validation("704", "request already processed or in progress");

    public override Answer TooManyRequests() => AdyenError.Of(429, "000", "Too many requests", "validation");

    public override Answer ServerError() => AdyenError.Of(500, "000", "Internal error", "internal", isKept: true);

    public override Answer ServiceUnavailable() => AdyenError.Of(503, "000", "Service unavailable", "internal");

    public override Answer UnreadableBody(string reason) => AdyenError.Of(400, "702", reason, "validation");

    public override void WriteHeaders(HttpContext context, string requestId, string? key, bool isReplay, Answer answer)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(answer);
        context.Response.Headers["pspReference"] = requestId;
        if (key is not null)
        {
            context.Response.Headers["Idempotency-Key"] = key;
        }

        if (!answer.IsKept && (answer.Status is 429 or 503 || answer.Body.Contains("\"errorCode\":\"704\"", StringComparison.Ordinal)))
        {
            context.Response.Headers["transient-error"] = "true";
        }
    }
}
