using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Payments.Core;

namespace Payments.Platform.Http;

/// <summary>Reads a JSON body strictly: what is not exactly the expected shape is refused, and the refusal names the member.</summary>
public static class RequestBody
{
    /// <summary>Levels of nesting that are accepted.</summary>
    public const int MaxDepth = 16;

    private static readonly JsonDocumentOptions Syntax = new() { MaxDepth = BodyLimit.Default.Bytes, CommentHandling = JsonCommentHandling.Disallow };

    /// <summary>Reads a body of type <typeparamref name="T"/>: a record whose constructor parameters without default are required.</summary>
    public static ValueTask<Read<T>> ReadAsync<T>(HttpContext context, CancellationToken cancellationToken)
        where T : class => ReadAsync<T>(context, allowEmpty: false, cancellationToken);

    /// <summary>As <see cref="ReadAsync{T}(HttpContext, CancellationToken)"/>, an empty body counting as <c>{}</c>.</summary>
    public static ValueTask<Read<T>> ReadOptionalAsync<T>(HttpContext context, CancellationToken cancellationToken)
        where T : class => ReadAsync<T>(context, allowEmpty: true, cancellationToken);

    /// <summary>Checks and reads a body that is in memory already.</summary>
    public static Read<T> Parse<T>(ReadOnlyMemory<byte> bytes)
        where T : class
    {
        if (bytes.IsEmpty)
        {
            return Problems.BodyMissing;
        }

        if (!Utf8.IsValid(bytes.Span))
        {
            return Problems.InvalidUtf8;
        }

        if (DepthOf(bytes.Span) > MaxDepth)
        {
            return Problems.BodyTooDeep;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes, Syntax);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return Problems.InvalidJson;
            }

            return BodyShape.Check(document.RootElement, typeof(T)) is { } problem
                ? problem
                : document.RootElement.Deserialize<T>(Json.Strict)!;
        }
        catch (JsonException e)
        {
            // Without a path it is the syntax; with one it is a value that only its converter could judge.
            var path = (e.Path ?? "").TrimStart('$').TrimStart('.');
            return path.Length == 0 ? Problems.InvalidJson : Problems.InvalidValue(path, "The value cannot be read.");
        }
        catch (InvalidOperationException)
        {
            // A name with an unpaired surrogate (\ud800): well-formed JSON that is no Unicode text.
            return Problems.InvalidJson;
        }
    }

    private static async ValueTask<Read<T>> ReadAsync<T>(HttpContext context, bool allowEmpty, CancellationToken cancellationToken)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(context);
        var body = await RequestBytes.ReadAsync(context, cancellationToken);
        if (body.Problem is { } problem)
        {
            return problem;
        }

        if (body.Value!.Length == 0)
        {
            return allowEmpty ? Parse<T>("{}"u8.ToArray()) : Problems.BodyMissing;
        }

        return IsJson(context.Request) ? Parse<T>(body.Value) : Problems.UnsupportedContentType;
    }

    private static bool IsJson(HttpRequest request) =>
        !request.Headers.ContainsKey(HeaderNames.ContentEncoding)
        && MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    // Counted before parsing, so that no parser recurses into what will be refused; brackets inside texts do not count.
    private static int DepthOf(ReadOnlySpan<byte> json)
    {
        var (depth, deepest, inText) = (0, 0, false);
        for (var i = 0; i < json.Length; i++)
        {
            switch (json[i])
            {
                case (byte)'\\' when inText:
                    i++;
                    break;
                case (byte)'"':
                    inText = !inText;
                    break;
                case (byte)'{' or (byte)'[' when !inText:
                    deepest = Math.Max(deepest, ++depth);
                    break;
                case (byte)'}' or (byte)']' when !inText:
                    depth--;
                    break;
                default:
                    break;
            }
        }

        return deepest;
    }
}
