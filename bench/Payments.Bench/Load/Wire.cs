using System.Buffers.Text;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Payments.Bench.Load;

/// <summary>What came back over a <see cref="Wire"/>.</summary>
internal readonly record struct WireAnswer(int Status, byte[] Body, bool Replayed, bool SaysWhenToRetry);

/// <summary>
/// One kept connection that speaks just enough HTTP/1.1: a general client costs as much processor time as a good part of what is measured,
/// on the same cores.
/// </summary>
internal sealed class Wire : IDisposable
{
    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] buffer = new byte[16 * 1024];
    private int start;
    private int end;

    public static async Task<Wire> OpenAsync(Uri to, CancellationToken cancellationToken)
    {
        var wire = new Wire();
        try
        {
            await wire.socket.ConnectAsync(to.Host, to.Port, cancellationToken);
            return wire;
        }
        catch (Exception)
        {
            wire.Dispose();
            throw;
        }
    }

    public void Dispose() => socket.Dispose();

    /// <exception cref="IOException">The connection ended before the answer did.</exception>
    public async ValueTask<WireAnswer> AskAsync(ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        await socket.SendAsync(request, cancellationToken);
        int length;
        while ((length = buffer.AsSpan(start, end - start).IndexOf("\r\n\r\n"u8)) < 0)
        {
            await FillAsync(cancellationToken);
        }

        var (status, size, replayed, retry) = Head(buffer.AsSpan(start, length + 2));
        start += length + 4;
        return new(status, size is { } bytes ? await TakeAsync(bytes, cancellationToken) : await ChunksAsync(cancellationToken), replayed, retry);
    }

    private static (int Status, int? Size, bool Replayed, bool Retry) Head(ReadOnlySpan<byte> head)
    {
        if (!Utf8Parser.TryParse(head[9..], out int status, out _))
        {
            throw new IOException("The answer is not HTTP/1.1.");
        }

        int? size = null;
        var at = head.IndexOf("\r\nContent-Length: "u8);
        if (at >= 0 && Utf8Parser.TryParse(head[(at + 18)..], out int length, out _))
        {
            size = length;
        }
        else if (status is 204 or 304)
        {
            size = 0;
        }

        return (status, size, head.IndexOf("\r\nIdempotency-Replayed: "u8) >= 0, head.IndexOf("\r\nRetry-After: "u8) >= 0);
    }

    private async ValueTask<byte[]> ChunksAsync(CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        while (true)
        {
            int line;
            while ((line = buffer.AsSpan(start, end - start).IndexOf("\r\n"u8)) < 0)
            {
                await FillAsync(cancellationToken);
            }

            var size = int.Parse(Encoding.ASCII.GetString(buffer, start, line), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            start += line + 2;
            var chunk = await TakeAsync(size + 2, cancellationToken);
            body.Write(chunk, 0, size);
            if (size == 0)
            {
                return body.ToArray();
            }
        }
    }

    private async ValueTask<byte[]> TakeAsync(int count, CancellationToken cancellationToken)
    {
        while (end - start < count)
        {
            await FillAsync(cancellationToken);
        }

        var taken = buffer.AsSpan(start, count).ToArray();
        start += count;
        return taken;
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }

        if (end == buffer.Length)
        {
            Array.Resize(ref buffer, buffer.Length * 2);
        }

        var read = await socket.ReceiveAsync(buffer.AsMemory(end), cancellationToken);
        end += read > 0 ? read : throw new IOException("The connection was closed.");
    }
}
