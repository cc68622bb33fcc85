using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Platform.Idempotency;

/// <summary>The answer of a request that is executed once: stored, and given again word for word.</summary>
public sealed record IdempotentResponse
{
    private IdempotentResponse(int status, string contentType, byte[] body, Problem? refusal)
    {
        Status = status;
        ContentType = contentType;
        Body = body;
        Refusal = refusal;
    }

    public int Status { get; }

    public string ContentType { get; }

    public byte[] Body { get; }

    /// <summary>A refusal: the transaction is rolled back, nothing is stored, and the key stays free.</summary>
    public Problem? Refusal { get; }

    public static IdempotentResponse Of<T>(int status, T body) =>
        new(status, "application/json; charset=utf-8", JsonSerializer.SerializeToUtf8Bytes(body, Json.Options), null);

    public static IdempotentResponse Ok<T>(T body) => Of(StatusCodes.Status200OK, body);

    public static IdempotentResponse Created<T>(T body) => Of(StatusCodes.Status201Created, body);

    public static implicit operator IdempotentResponse(Problem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return new(problem.Status, Problem.ContentType, [], problem);
    }

    internal static IdempotentResponse Stored(int status, string contentType, byte[] body) => new(status, contentType, body, null);

    internal IResult ToResult(bool replayed) => Refusal ?? (IResult)new Answer(this, replayed);

    private sealed class Answer(IdempotentResponse response, bool replayed) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            var answer = httpContext.Response;
            answer.StatusCode = response.Status;
            answer.ContentType = response.ContentType;
            answer.ContentLength = response.Body.Length;
            if (replayed)
            {
                answer.Headers[IdempotencyKey.ReplayedHeader] = "true";
            }

            return answer.Body.WriteAsync(response.Body, httpContext.RequestAborted).AsTask();
        }
    }
}
