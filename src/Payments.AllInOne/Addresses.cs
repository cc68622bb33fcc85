using System.Globalization;
using Payments.AllInOne.Embedded;
using Payments.Platform;

namespace Payments.AllInOne;

/// <summary>Where everything listens: the table of <see cref="Ports"/> from a base port, or free ports.</summary>
public sealed class Addresses
{
    private readonly Dictionary<int, int> ports;

    private Addresses(Dictionary<int, int> ports) => this.ports = ports;

    public Uri Api => Http(Ports.Api);

    public Uri Vault => Http(Ports.Vault);

    public Uri Simulators => Http(Ports.Simulators);

    public Uri SimulatorsHttps => new($"https://127.0.0.1:{Port(Ports.SimulatorsHttps)}");

    public Uri Ledger => Http(Ports.Ledger);

    public Uri Fraud => Http(Ports.Fraud);

    public Uri Webhooks => Http(Ports.Webhooks);

    public Uri Reconciliation => Http(Ports.Reconciliation);

    public Uri DemoReceiver => Http(Ports.DemoReceiver);

    public Uri Dashboard => Http(Ports.Dashboard);

    public Uri DashboardOtlpGrpc => Http(Ports.DashboardOtlpGrpc);

    public Uri DashboardOtlpHttp => Http(Ports.DashboardOtlpHttp);

    /// <param name="basePort">Null gives each origin a port that is free now.</param>
    public static Addresses From(int? basePort)
    {
        const int count = Ports.DashboardOtlpHttp + 1;
        var free = basePort is null ? FreePort.Next(count) : [];
        return new Addresses(Enumerable.Range(0, count).ToDictionary(offset => offset, offset => basePort + offset ?? free[offset]));
    }

    public int Port(int offset) => ports[offset];

    /// <summary>The first address that something else occupies, or null.</summary>
    public (string Name, int Port)? FirstOccupied(IEnumerable<(string Name, int Offset)> wanted)
    {
        foreach (var (name, offset) in wanted)
        {
            if (!FreePort.IsFree(Port(offset)))
            {
                return (name, Port(offset));
            }
        }

        return null;
    }

    private Uri Http(int offset) => new($"http://127.0.0.1:{Port(offset).ToString(CultureInfo.InvariantCulture)}");
}
