using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Payments.Core;

namespace Payments.Platform.Http.Seams;

/// <summary>
/// JSON that services exchange for every payment, with its length told ahead: it goes out in one piece, where the end of a body of unknown
/// length is a second one, which wakes the other side once more (ADR 0150).
/// </summary>
public static class InternalJson
{
    private const string Type = "application/json";

    public static HttpContent Content<T>(T value) =>
        new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, Json.Options)) { Headers = { ContentType = new MediaTypeHeaderValue(Type) } };

    public static IResult Answer<T>(T value) => new Whole(JsonSerializer.SerializeToUtf8Bytes(value, Json.Options));

    private sealed class Whole(byte[] body) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.ContentType = Type;
            response.ContentLength = body.Length;
            return response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
        }
    }
}
