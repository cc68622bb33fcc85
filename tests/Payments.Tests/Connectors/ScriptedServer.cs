using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Payments.Tests.Connectors;

/// <summary>What a scripted server does with one request.</summary>
internal enum Act
{
    /// <summary>Answers as <see cref="ScriptedServer.Answer"/> says and keeps the connection.</summary>
    Respond,

    /// <summary>Reads the request and closes in good order.</summary>
    Close,

    /// <summary>Reads the request and resets.</summary>
    Reset,

    /// <summary>Reads the request and never answers.</summary>
    Hang,

    /// <summary>Answers with what is no HTTP.</summary>
    Garbage,

    /// <summary>Promises more than it sends, then closes.</summary>
    HalfAnswer,

    /// <summary>Sends the head of an answer, and no more.</summary>
    HeadOnly,
}

/// <summary>A real TCP server that speaks just enough HTTP/1.1 to misbehave exactly.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task accepting;
    private readonly Queue<Act> script;
    private int requests;

    public ScriptedServer(params Act[] script)
    {
        this.script = new Queue<Act>(script);
        listener.Start();
        accepting = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

    public (int Status, string Body, string? Headers) Answer { get; set; } = (200, "{}", null);

    /// <summary>Complete requests that were read.</summary>
    public int Requests => requests;

    public string LastRequest { get; private set; } = "";

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await accepting;
        listener.Stop();
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await listener.AcceptTcpClientAsync(stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                while (await ReadRequestAsync(stream) && await PerformAsync(client, stream))
                {
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
            {
                client.Close();
            }
        }
    }

    /// <returns>Whether the connection goes on.</returns>
    private async Task<bool> PerformAsync(TcpClient client, NetworkStream stream)
    {
        Interlocked.Increment(ref requests);
        Act act;
        lock (script)
        {
            act = script.Count > 1 ? script.Dequeue() : script.Peek();
        }

        switch (act)
        {
            case Act.Respond:
                await SendAsync(stream, $"HTTP/1.1 {Answer.Status} Status\r\nContent-Type: application/json\r\n{Answer.Headers}Content-Length: {Encoding.UTF8.GetByteCount(Answer.Body)}\r\n\r\n{Answer.Body}");
                return true;
            case Act.Reset:
                client.LingerState = new LingerOption(true, 0);
                return false;
            case Act.Hang:
                await Task.Delay(Timeout.Infinite, stop.Token);
                return false;
            case Act.Garbage:
                await SendAsync(stream, "220 this is another protocol\r\n\r\n");
                return false;
            case Act.HalfAnswer:
                await SendAsync(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"id\":");
                return false;
            case Act.HeadOnly:
                await SendAsync(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n");
                await Task.Delay(Timeout.Infinite, stop.Token);
                return false;
            default:
                return false;
        }
    }

    private async Task SendAsync(NetworkStream stream, string text) => await stream.WriteAsync(Encoding.UTF8.GetBytes(text), stop.Token);

    /// <summary>Reads the head, then as much content as it declares; false at the end of the stream.</summary>
    private async Task<bool> ReadRequestAsync(NetworkStream stream)
    {
        var read = new List<byte>();
        var buffer = new byte[4096];
        while (true)
        {
            var text = Encoding.UTF8.GetString([.. read]);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                var length = text[..end].Split("\r\n").FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))?.Split(':')[1];
                if (read.Count >= end + 4 + int.Parse(length ?? "0", CultureInfo.InvariantCulture))
                {
                    LastRequest = text;
                    return true;
                }
            }

            var count = await stream.ReadAsync(buffer, stop.Token);
            if (count == 0)
            {
                return false;
            }

            read.AddRange(buffer.AsSpan(0, count));
        }
    }
}
