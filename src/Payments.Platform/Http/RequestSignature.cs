using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Secrets;

namespace Payments.Platform.Http;

/// <summary>
/// Signed requests of merchants. <c>Signature: v1=hex(HMAC-SHA256(secret, text))</c>, the secret as UTF-8, where the text is
/// method, path with query, <c>Signature-Timestamp</c> (unix seconds, decimals allowed), <c>Idempotency-Key</c> as sent (empty if
/// none) and the lower-case hex of the body's SHA-256, joined by line feeds. A signature serves once, except for GET.
/// </summary>
public sealed class RequestSignature(SignatureMemory memory, TimeProvider time, Func<SecretBox> box)
{
    public const string SignatureHeader = "Signature";
    public const string TimestampHeader = "Signature-Timestamp";

    /// <summary>How far a timestamp may be from our clock, either way.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(300);

    /// <summary>What a signing secret is sealed for.</summary>
    public static string PurposeOf(ApiKeyId key) => $"request-signing/{key}";

    public async ValueTask<Problem?> RefuseAsync(HttpContext context, KeyIdentity key)
    {
        if (key.Signing is not { } signing)
        {
            return null;
        }

        var headers = context.Request.Headers;
        if (!headers.TryGetValue(SignatureHeader, out var given))
        {
            return signing.Required ? Problems.SignatureMissing : null;
        }

        var timestamp = headers[TimestampHeader].ToString();
        if (!decimal.TryParse(timestamp, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs(seconds - time.GetUtcNow().ToUnixTimeMilliseconds() / 1000m) > (decimal)Window.TotalSeconds)
        {
            return Problems.SignatureExpired;
        }

        var body = await RequestBytes.ReadAsync(context, context.RequestAborted);
        if (body.Problem is { } problem)
        {
            return problem;
        }

        // The target as the caller wrote it: decoding and encoding again would not give the same text.
        var target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
        var secret = box().Open(signing.SealedSecret, PurposeOf(key.KeyId));
        var expected = Of(secret, context.Request.Method, target, timestamp, headers[Idempotency.IdempotencyKey.Header].ToString(), body.Value!);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(given.ToString())))
        {
            return Problems.SignatureInvalid;
        }

        return HttpMethods.IsGet(context.Request.Method) || await memory.IsFirstUseAsync($"{key.KeyId}:{expected}", context.RequestAborted)
            ? null
            : Problems.SignatureReplayed;
    }

    /// <summary>The value of <see cref="SignatureHeader"/>.</summary>
    internal static string Of(string secret, string method, string target, string timestamp, string idempotencyKey, byte[] body)
    {
        var text = string.Join('\n', method, target, timestamp, idempotencyKey, Convert.ToHexStringLower(SHA256.HashData(body)));
        return "v1=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text)));
    }
}
