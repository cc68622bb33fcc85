using System.Globalization;
using Payments.TrafficGenerator.Driving;
using Payments.TrafficGenerator.Export;
using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator;

/// <summary>The verbs of the command line. Each works on a stream that follows from its options.</summary>
internal static class Commands
{
    public const string Usage = """
        Usage: ./traffic.sh COMMAND [OPTION VALUE]...

        Realistic payments of customers, and attacks on them, from a seed: the same options make the same stream.

          export    writes a stream to a file
                      --output FILE          compressed if it ends with .gz
                      --format NAME          csv (default): every column; json: the same, an object a line; handbook: the six columns
                                             that ./fraud.sh train reads
          describe  counts what a stream holds
          drive     makes the payments at a running product, over its API, with test cards; shows what became of them
                      --run FILE             the run.json of the product (default .payments/run.json)
                      --rate N               payments a second (default 10); the hours of the stream are not waited for
          networks  the plan of IP addresses, as the fraud service reads it (Payments:Fraud:IpCountriesFile)
          --help    this text

        Options of every stream:
          --seed N              (default 1)
          --payments N          how many (default 100000)
          --per-day N           good payments a day (default 20000)
          --customers N         (default 100000)
          --merchants N         (default 400)
          --fraud F             the shares of all kinds of fraud times F, 0 for none (default 1)
          --attack KIND         one attack more: card-testing, stolen-card, account-takeover, bust-out
          --attack-payments N   attempts of a card-testing (default 500)
          --attack-addresses N  addresses that it comes from (default 20)
          --attack-after N      minutes from the beginning (default 600)
          --attack-minutes N    how long it lasts (default 60)
        """;

    private static readonly string[] StreamOptions =
        ["--seed", "--payments", "--per-day", "--customers", "--merchants", "--fraud", "--attack", "--attack-payments", "--attack-addresses", "--attack-after", "--attack-minutes"];

    /// <returns>The exit code: 0 done, 1 failed, 2 called wrongly, 130 stopped.</returns>
    public static int Run(string[] arguments, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        try
        {
            switch (arguments)
            {
                case ["export", .. var rest]:
                    Export(new(rest, [.. StreamOptions, "--output", "--format"]), errors, cancellationToken);
                    return 0;
                case ["describe", .. var rest]:
                    Describe(new(rest, StreamOptions), output, errors, cancellationToken);
                    return 0;
                case ["drive", .. var rest]:
                    DriveAsync(new(rest, [.. StreamOptions, "--run", "--rate"]), output, errors, cancellationToken).GetAwaiter().GetResult();
                    return 0;
                case ["networks"]:
                    output.WriteLine("# network,country");
                    foreach (var network in Networks.All)
                    {
                        output.WriteLine($"{network.Cidr},{network.Country}");
                    }

                    return 0;
                case ["--help" or "-h" or "help", ..]:
                    output.WriteLine(Usage);
                    return 0;
                default:
                    errors.WriteLine(arguments is [] ? Usage : $"Unknown command {arguments[0]}; see --help");
                    return 2;
            }
        }
        catch (ArgumentException e)
        {
            errors.WriteLine(e.Message);
            return 2;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or HttpRequestException)
        {
            errors.WriteLine(e.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            errors.WriteLine("Stopped.");
            return 130;
        }
    }

    private static void Export(Arguments arguments, TextWriter errors, CancellationToken cancellationToken)
    {
        var options = StreamOf(arguments);
        var format = arguments.Choice("--format", StreamFormat.Csv);
        StreamFile.Write(arguments.Required("--output"), format, options, Some(arguments, options, "Writing payments", errors, cancellationToken));
    }

    private static void Describe(Arguments arguments, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        var options = StreamOf(arguments);
        foreach (var line in StreamSummary.Of(Some(arguments, options, "Counting payments", errors, cancellationToken)).Lines())
        {
            output.WriteLine(line);
        }
    }

    private static async Task DriveAsync(Arguments arguments, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        var options = StreamOf(arguments);
        var round = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        using var product = await Product.ReadAsync(arguments.Text("--run") ?? Path.Combine(".payments", "run.json"), round, cancellationToken);
        var drive = new Drive(product, arguments.Number("--rate", 10, 1, 10_000), errors);
        await drive.RunAsync(Some(arguments, options, "Making payments", errors, cancellationToken), cancellationToken);
        foreach (var line in drive.Lines())
        {
            output.WriteLine(line);
        }
    }

    internal static TrafficOptions StreamOf(Arguments arguments)
    {
        var factor = arguments.Fraction("--fraud", 1, 0, 100);
        var usual = new FraudShares();
        var options = new TrafficOptions(
            arguments.Number("--seed", 1, 0, int.MaxValue),
            PaymentsPerDay: arguments.Number("--per-day", 20_000, 1, 10_000_000),
            Customers: (int)arguments.Number("--customers", 100_000, 100, 100_000_000),
            Merchants: (int)arguments.Number("--merchants", 400, 20, 900_000))
        {
            Shares = new(usual.CardTesting * factor, usual.StolenCard * factor, usual.AccountTakeover * factor, usual.FriendlyFraud * factor, usual.BustOut * factor),
        };
        if (arguments.Text("--attack") is null)
        {
            return options;
        }

        var kind = arguments.Choice("--attack", FraudKind.CardTesting);
        return kind is FraudKind.None or FraudKind.FriendlyFraud
            ? throw new ArgumentException("--attack must be card-testing, stolen-card, account-takeover or bust-out.")
            : options with
            {
                Planned =
                [
                    new(
                        kind,
                        options.Begins.AddMinutes(arguments.Number("--attack-after", 600, 0, 525_600)),
                        TimeSpan.FromMinutes(arguments.Number("--attack-minutes", 60, 1, 525_600)),
                        (int)arguments.Number("--attack-payments", 500, 1, 900_000),
                        (int)arguments.Number("--attack-addresses", 20, 1, 100_000)),
                ],
            };
    }

    private static IEnumerable<TrafficPayment> Some(
        Arguments arguments, TrafficOptions options, string what, TextWriter errors, CancellationToken cancellationToken)
    {
        var count = arguments.Number("--payments", 100_000, 1, 1_000_000_000);
        var told = -1L;
        foreach (var payment in TrafficFlow.Payments(options).TakeWhile(p => p.Number < count))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (10 * payment.Number / count is var tenth && tenth != told)
            {
                told = tenth;
                errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {10 * tenth} %"));
            }

            yield return payment;
        }
    }
}
