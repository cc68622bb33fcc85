using System.Net;
using System.Net.Sockets;

namespace Payments.Webhooks.Egress;

/// <summary>Turns a host name into addresses; injected, so that tests can play a resolver that changes its mind.</summary>
public delegate Task<IPAddress[]> NameResolver(string host, CancellationToken cancellationToken);

/// <summary>An address that no merchant's URL may lead to.</summary>
public sealed class EgressRefusedException(string host, IPAddress address, string why)
    : Exception($"{host} leads to {address}, which is not a public address ({why}).");

/// <summary>
/// The only way out to merchants: resolves the name itself, refuses it if any of its addresses is not public, and connects to
/// the very addresses that it judged. A name that answers differently a moment later gains nothing, because nobody asks again.
/// </summary>
public sealed class EgressGuard(NameResolver resolve, bool allowLoopback)
{
    /// <exception cref="EgressRefusedException">One of the addresses is not public.</exception>
    /// <exception cref="SocketException">The name has no address.</exception>
    public async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await resolve(host, cancellationToken);
        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        foreach (var address in addresses)
        {
            if (BlockedRanges.Refuse(address, allowLoopback) is { } why)
            {
                throw new EgressRefusedException(host, address, why);
            }
        }

        return addresses;
    }

    /// <summary>A handler for one purpose: no proxy, no redirect, no cookies, no trace headers, small answers.</summary>
    public SocketsHttpHandler NewHandler() => new()
    {
        ConnectCallback = ConnectAsync,
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 16 * 1024,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var addresses = await AddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception)
        {
            socket.Dispose();
            throw;
        }
    }
}
