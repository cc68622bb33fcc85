using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Payments.Core;

namespace Payments.Platform.Http;

/// <summary>
/// A refusal as callers see it (RFC 9457, <c>application/problem+json</c>). Return it from an endpoint like any other result.
/// </summary>
/// <param name="Status">HTTP status, 400 to 599.</param>
/// <param name="Code">Stable name in snake_case; programs decide by it.</param>
/// <param name="Detail">One or two sentences for people; never holds card data or keys.</param>
/// <param name="Param">
/// What it is about: a member of the body (JSON path, <c>payment_method.token</c>), a query parameter, a header, a parameter of the path
/// (<c>id</c>, also of an object in a state that does not allow it), or <c>body</c>, <c>path</c> or <c>method</c> as a whole. Every 4xx has one.
/// </param>
public sealed record Problem(int Status, string Code, string Detail, string? Param = null) : IResult
{
    public const string ContentType = "application/problem+json";

    /// <summary>Sent as <c>Retry-After</c>, in whole seconds, at least one.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The name of the code in words: <c>wrong_type</c> becomes "Wrong type".</summary>
    public string Title => TitleOf(Code);

    /// <summary>Where <see cref="Code"/> is explained, relative to the origin.</summary>
    public string Type => TypeOf(Code);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.ContentType = ContentType;
        if (RetryAfter is { } after)
        {
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(after.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        if (Status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer realm=\"payments\"";
        }

        var body = ToBytes(httpContext.TraceIdentifier);
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(httpContext.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
    }

    /// <summary>The body, for callers who store a response or answer outside of HTTP.</summary>
    public byte[] ToBytes(string requestId) =>
        JsonSerializer.SerializeToUtf8Bytes(new ProblemBody(Type, Title, Status, Detail, Code, Param, requestId), Json.Options);

    internal static string TypeOf(string code) => ProblemPages.Path + code;

    internal static string TitleOf(string code) =>
        code.Length == 0 ? ReasonPhrases.GetReasonPhrase(500) : char.ToUpperInvariant(code[0]) + code[1..].Replace('_', ' ');
}

/// <summary>The JSON of a <see cref="Problem"/>.</summary>
public sealed record ProblemBody(
    string Type,
    string Title,
    int Status,
    string Detail,
    string Code,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Param,
    string RequestId);
