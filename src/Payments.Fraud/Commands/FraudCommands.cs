using Npgsql;
using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Fraud.Commands;

/// <summary>The verbs of the fraud program; without one it is the service.</summary>
public static class FraudCommands
{
    public const string Usage = """
        Usage: fraud COMMAND [OPTION VALUE]...

          train     trains a model from a stream of labelled payments and writes it as JSON, or from the payments that the service has
                    scored, and stores it as a candidate
                    --stream FILE     CSV, plain or .gz; columns: see docs/fraud-model.md
                    --output FILE     the model file
                    --mode MODE       live or test: the payments that the service has scored, in the database of ConnectionStrings__fraud
                    --merchant ID     with --mode: a model of this merchant's own
                    --version NAME    the model's name (default: the date of the last training day)
                    --trainer NAME    histogram, or fasttree where ML.NET is available (default histogram)
                    --days N          days of training data (default 77; with --mode 180)
                    --epoch DATE      the day that the stream's seconds count from, where it tells more than cards and amounts (default 2026-01-05)
                    --seed N          default 1
          evaluate  measures features, trainer and scorer on the data of the Fraud Detection Handbook, protocol B; or champion and challenger
                    on payments whose outcome is known by now
                    --handbook FILE   the handbook's simulated transactions as CSV, plain or .gz
                    --test-week DATE  first day of the only week to test (default: each of the handbook's four that FILE holds)
                    --trainer NAME    as above
                    --seed N          as above
                    --mode MODE       as above, with --merchant ID
          promote   makes a stored model, or a file that is stored first, challenger or champion; the retired one again is the way back
                    --mode MODE       as above, with --merchant ID
                    --version NAME    the stored model
                    --model FILE      the file, instead
                    --to STATE        challenger (default), champion or candidate
          label     says what scored payments turned out to be
                    --mode MODE       as above
                    --payments FILE   one payment id a line
                    --as VERDICT      fraud or good
                    --source NAME     who says so (default chargeback)
          explain   says why a payment has its score
                    --model FILE      a model that train wrote
                    --stream FILE     as above
                    --transaction ID  the payment of the stream
                    --mode MODE       as above
                    --payment ID      the payment that the service has scored
        """;

    public static bool Handles(string[] args) => args is ["train" or "evaluate" or "promote" or "label" or "explain" or "--help" or "help", ..];

    /// <returns>The exit code: 0 done, 1 failed, 2 called wrongly, 130 stopped.</returns>
    /// <param name="environment">The value of an environment variable; the process's own by default.</param>
    public static int Run(
        string[] args, IReadOnlyList<IEnsembleTrainer> trainers, TextWriter output, TextWriter errors, CancellationToken cancellationToken,
        Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(errors);
        try
        {
            switch (args)
            {
                case ["train", .. var rest]:
                    TrainCommand.RunAsync(rest, trainers, output, environment, cancellationToken).GetAwaiter().GetResult();
                    return 0;
                case ["evaluate", .. var rest]:
                    Evaluate(rest, trainers, output, environment, cancellationToken);
                    return 0;
                case ["promote", .. var rest]:
                    PromoteCommand.RunAsync(rest, output, environment, cancellationToken).GetAwaiter().GetResult();
                    return 0;
                case ["label", .. var rest]:
                    LabelCommand.RunAsync(rest, output, environment, cancellationToken).GetAwaiter().GetResult();
                    return 0;
                case ["explain", .. var rest]:
                    ExplainCommand.RunAsync(rest, output, environment, cancellationToken).GetAwaiter().GetResult();
                    return 0;
                case ["--help" or "help", ..]:
                    output.WriteLine(Usage);
                    return 0;
                default:
                    errors.WriteLine(Usage);
                    return 2;
            }
        }
        catch (UsageException e)
        {
            errors.WriteLine(e.Message);
            return 2;
        }
        catch (Exception e) when (e is EnsembleFormatException or InvalidDataException or IOException or UnauthorizedAccessException or NpgsqlException)
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

    /// <summary>Runs a verb with Ctrl-C as the way to stop it.</summary>
    public static int RunOnConsole(string[] args, params IReadOnlyList<IEnsembleTrainer> trainers)
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        return Run(args, trainers, Console.Out, Console.Error, stop.Token);
    }

    private static void Evaluate(
        IReadOnlyList<string> arguments, IReadOnlyList<IEnsembleTrainer> trainers, TextWriter output, Func<string, string?> environment, CancellationToken cancellationToken)
    {
        var options = new CommandLine(arguments, "--handbook", "--test-week", "--trainer", "--seed", "--mode", "--merchant");
        if (options.Text("--mode") is null)
        {
            EvaluateCommand.Run(options, trainers, output, cancellationToken);
        }
        else
        {
            CompareCommand.RunAsync(options, output, environment, cancellationToken).GetAwaiter().GetResult();
        }
    }

    internal static IEnsembleTrainer Trainer(CommandLine options, IReadOnlyList<IEnsembleTrainer> trainers)
    {
        var name = options.Text("--trainer") ?? trainers[0].Name;
        return trainers.FirstOrDefault(t => t.Name == name)
            ?? throw new UsageException($"There is no trainer {name} here, but {string.Join(", ", trainers.Select(t => t.Name))}.");
    }
}
