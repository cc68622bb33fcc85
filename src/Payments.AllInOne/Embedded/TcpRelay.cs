using System.Net;
using System.Net.Sockets;

namespace Payments.AllInOne.Embedded;

/// <summary>
/// Passes the connections of one fixed port on to another, which may change: what lets a server that chooses its own port be
/// replaced without its clients learning a new address.
/// </summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task accepting;
    private readonly Lock gate = new();
    private readonly HashSet<Socket> connections = [];
    private int? target;

    public TcpRelay(int port)
    {
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Cuts every connection; later ones go to <paramref name="port"/>, or are refused while it is null.</summary>
    public void Redirect(int? port)
    {
        Socket[] cut;
        lock (gate)
        {
            target = port;
            cut = [.. connections];
        }

        Array.ForEach(cut, c => c.Dispose());
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await accepting; // before its listener goes: one that is closed cannot be asked for a client
        listener.Dispose();
        Redirect(null);
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                _ = RelayAsync(await listener.AcceptSocketAsync(stopping.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // We stop, as the loop's condition tells, or a connection ended before it was accepted.
            }
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using (client)
        using (var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            client.NoDelay = server.NoDelay = true;
            int? port;
            lock (gate)
            {
                port = target;
                connections.Add(client);
                connections.Add(server);
            }

            try
            {
                if (port is { } open)
                {
                    await server.ConnectAsync(IPAddress.Loopback, open, stopping.Token);
                    await Task.WhenAny(PumpAsync(client, server), PumpAsync(server, client));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The other side is gone: closing this one tells the client.
            }
            finally
            {
                lock (gate)
                {
                    connections.Remove(client);
                    connections.Remove(server);
                }
            }
        }
    }

    private static async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
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
