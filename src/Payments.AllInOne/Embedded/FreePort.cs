using System.Net;
using System.Net.Sockets;

namespace Payments.AllInOne.Embedded;

/// <summary>Free TCP ports on the loopback address, for hosts that do not care which.</summary>
public static class FreePort
{
    /// <summary>A port that was free a moment ago.</summary>
    public static int Next() => Next(1)[0];

    /// <summary>Different ports that were free a moment ago.</summary>
    public static int[] Next(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToArray();
        try
        {
            Array.ForEach(sockets, s => s.Bind(new IPEndPoint(IPAddress.Loopback, 0)));
            return [.. sockets.Select(s => ((IPEndPoint)s.LocalEndPoint!).Port)];
        }
        finally
        {
            Array.ForEach(sockets, s => s.Dispose());
        }
    }

    public static bool IsFree(int port)
    {
        try
        {
            // As servers do it: a port whose last connections are only waiting out their time is free.
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
