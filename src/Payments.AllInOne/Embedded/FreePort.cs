using System.Net;
using System.Net.Sockets;

namespace Payments.AllInOne.Embedded;

/// <summary>Free TCP ports on the loopback address, for hosts that do not care which.</summary>
public static class FreePort
{
    /// <summary>
    /// Below the range from which the system gives ports to whoever asks for any (32768 to 60999): there a port that is free now may be
    /// somebody's outgoing connection before it is bound.
    /// </summary>
    private const int First = 10_000;

    private const int Count = 10_000;

    private static int next = Environment.ProcessId * 101;

    /// <summary>A port that was free a moment ago, and that this process has not given away before.</summary>
    public static int Next() => Next(1)[0];

    /// <summary>Different ports that were free a moment ago, and that this process has not given away before.</summary>
    public static int[] Next(int count)
    {
        var found = new List<int>(count);
        while (found.Count < count)
        {
            var port = First + ((Interlocked.Increment(ref next) & int.MaxValue) % Count);
            if (IsFree(port))
            {
                found.Add(port);
            }
        }

        return [.. found];
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
