using Microsoft.AspNetCore.Http;

namespace Payments.Platform.Http;

/// <summary>The body of a request, read once into memory within its limit, for whoever needs it: signature, parser, fingerprint, forwarder.</summary>
public static class RequestBytes
{
    private sealed record Held(byte[] Bytes);

    /// <summary>Reads the whole body; a second call returns the same bytes, and <c>Request.Body</c> can be read again from its start.</summary>
    public static async ValueTask<Read<byte[]>> ReadAsync(HttpContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Features.Get<Held>() is { } held)
        {
            return held.Bytes;
        }

        var request = context.Request;
        var limit = BodyLimit.Of(context);
        if (request.ContentLength > limit)
        {
            return TooLarge(limit);
        }

        var buffer = new byte[request.ContentLength ?? 4096];
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                if (request.ContentLength is not null)
                {
                    break;
                }

                Array.Resize(ref buffer, Math.Min(buffer.Length * 4, limit + 1));
            }

            var read = await request.Body.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0)
            {
                break;
            }

            length += read;
            if (length > limit)
            {
                return TooLarge(limit);
            }
        }

        var bytes = length == buffer.Length ? buffer : buffer[..length];
        context.Features.Set(new Held(bytes));
        request.Body = new MemoryStream(bytes, writable: false);
        return bytes;
    }

    private static Problem TooLarge(int limit) =>
        limit == BodyLimit.Default.Bytes ? Problems.BodyTooLarge : Problems.BodyTooLarge with { Detail = $"A body may have up to {limit} bytes here." };
}

/// <summary>Either what was read, or why it is refused.</summary>
public readonly record struct Read<T>(T? Value, Problem? Problem)
{
    public static implicit operator Read<T>(T value) => new(value, null);

    public static implicit operator Read<T>(Problem problem) => new(default, problem);

    /// <summary>True with a value, false with a problem.</summary>
    public bool Succeeded([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? value, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Problem? problem)
    {
        (value, problem) = (Value, Problem);
        return problem is null;
    }
}
