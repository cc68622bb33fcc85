using System.Net;
using System.Net.Sockets;

namespace Payments.IntegrationTests.Fire;

/// <summary>The way to a server. Closed, it cuts what is connected and nobody listens any more: new connections are refused.</summary>
internal sealed class Gate : IAsyncDisposable
{
    private readonly Func<IPEndPoint> server;
    private readonly Lock gate = new();
    private readonly HashSet<Socket> connections = [];
    private TcpListener? listener;
    private Task accepting = Task.CompletedTask;

    // While the gate is closed its port is bound and does not listen: connections are refused, and nobody else gets the port.
    private Socket? kept;

    /// <param name="server">Asked for each connection.</param>
    public Gate(Func<IPEndPoint> server)
    {
        this.server = server;
        Open(0);
    }

    public int Port { get; private set; }

    public void Open() => Open(Port);

    public async Task CloseAsync()
    {
        await CutAsync();
        kept = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        kept.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        kept.Bind(new IPEndPoint(IPAddress.Loopback, Port));
    }

    public async ValueTask DisposeAsync()
    {
        await CutAsync();
        kept?.Dispose();
    }

    private async Task CutAsync()
    {
        listener?.Dispose();
        await accepting;
        Socket[] cut;
        lock (gate)
        {
            cut = [.. connections];
        }

        Array.ForEach(cut, c => c.Dispose());
    }

    private void Open(int port)
    {
        kept?.Dispose();
        var opened = new TcpListener(IPAddress.Loopback, port);
        opened.Start();
        Port = ((IPEndPoint)opened.LocalEndpoint).Port;
        (listener, accepting) = (opened, AcceptAsync(opened));
    }

    private async Task AcceptAsync(TcpListener opened)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await opened.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return; // closed
            }

            _ = PassAsync(client);
        }
    }

    private async Task PassAsync(Socket client)
    {
        using var onward = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            lock (gate)
            {
                connections.Add(client);
            }

            try
            {
                await onward.ConnectAsync(server());
                await using var here = new NetworkStream(client);
                await using var there = new NetworkStream(onward);
                await Task.WhenAny(here.CopyToAsync(there), there.CopyToAsync(here));
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // Either side is gone: closing the other tells it.
            }
            finally
            {
                lock (gate)
                {
                    connections.Remove(client);
                }
            }
        }
    }
}
