using System.Net;
using System.Net.Sockets;

namespace Payments.Chaos.Processes;

/// <summary>
/// The one address behind which the replicas of a service stand, for callers that know only one: the other services and the providers.
/// Every connection goes to the next replica that accepts it.
/// </summary>
internal sealed class Front : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly int[] replicas;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task accepting;
    private int turn;

    public Front(int port, IEnumerable<int> replicas)
    {
        this.replicas = [.. replicas];
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        accepting = AcceptAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await accepting;
        listener.Dispose();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptSocketAsync(stopping.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // We stop, as the loop's condition tells, or a connection ended before it was accepted.
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            client.NoDelay = true;
            var first = Interlocked.Increment(ref turn);
            for (var i = 0; i < replicas.Length; i++)
            {
                using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await server.ConnectAsync(IPAddress.Loopback, replicas[(first + i) % replicas.Length], stopping.Token);
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException)
                {
                    continue; // down: the next one
                }

                await Task.WhenAny(PumpAsync(client, server), PumpAsync(server, client), Task.Delay(Timeout.Infinite, stopping.Token));
                return;
            }
        }
    }

    private static async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer)) > 0;)
            {
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Either side closed: the connection ends with this pump.
        }
    }
}
