using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Payments.AllInOne.Embedded;
using Payments.Platform;

namespace Payments.Chaos.Processes;

/// <summary>The Kafka broker in a process of its own, so that it can be killed; it keeps everything in memory, so a kill loses everything too.</summary>
public sealed class BrokerProcess : FleetProcess
{
    /// <summary>The first argument with which this program runs as the broker.</summary>
    internal const string Verb = "broker";

    private const string WipeCommand = "wipe";
    private const string Done = "done";
    private readonly int port;
    private Process? spokenTo;

    internal BrokerProcess(int port, string directory, string logs)
        : base("broker", directory, logs) => this.port = port;

    public string BootstrapServers => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    /// <summary>Empties the broker at its address: messages, offsets and groups are gone.</summary>
    /// <returns>False where it does not run.</returns>
    public async Task<bool> WipeAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (spokenTo is not { HasExited: false } broker)
            {
                return false;
            }

            await broker.StandardInput.WriteLineAsync(WipeCommand.AsMemory(), cancellationToken);
            await broker.StandardInput.FlushAsync(cancellationToken);
            return await broker.StandardOutput.ReadLineAsync(cancellationToken) == Done;
        }
        catch (IOException)
        {
            return false; // killed meanwhile, which wipes it too
        }
    }

    /// <summary>The broker's side: serves until its input ends, as it does when whoever started it is gone.</summary>
    internal static async Task<int> ServeAsync(int port)
    {
        await using var broker = KafkaBroker.Start(new Dictionary<string, int> { [Names.Topics.PaymentEvents] = KafkaBroker.DefaultPartitions }, port);
        while (await Console.In.ReadLineAsync() is { } command)
        {
            if (command == WipeCommand)
            {
                broker.Wipe();
                await Console.Out.WriteLineAsync(Done);
            }
        }

        return 0;
    }

    private protected override IEnumerable<string> Command =>
        ["dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "Payments.Chaos.dll"), Verb, port.ToString(CultureInfo.InvariantCulture)];

    private protected override bool IsSpokenTo => true;

    private protected override void Launched(Process started) => spokenTo = started;

    private protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
