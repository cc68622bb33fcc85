using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Fraud.Commands;

/// <summary>The verbs of the fraud program; without one it is the service.</summary>
public static class FraudCommands
{
    public const string Usage = """
        Usage: fraud COMMAND [OPTION VALUE]...

          train     trains a model from a stream of labelled payments and writes it as JSON
                    --stream FILE     CSV, plain or .gz; columns: see docs/fraud-model.md
                    --output FILE     the model file
                    --version NAME    the model's name (default: the date of the last training day)
                    --trainer NAME    histogram, or fasttree where ML.NET is available (default histogram)
                    --days N          days of training data (default 77)
                    --seed N          default 1
          evaluate  measures features, trainer and scorer on the data of the Fraud Detection Handbook, protocol B
                    --handbook FILE   the handbook's simulated transactions as CSV, plain or .gz
                    --test-week DATE  first day of the only week to test (default: each of the handbook's four that FILE holds)
                    --trainer NAME    as above
                    --seed N          as above
          explain   says why a payment of a stream has its score
                    --model FILE      a model that train wrote
                    --stream FILE     as above
                    --transaction ID  the payment
        """;

    public static bool Handles(string[] args) => args is ["train" or "evaluate" or "explain" or "--help" or "help", ..];

    /// <returns>The exit code: 0 done, 1 failed, 2 called wrongly, 130 stopped.</returns>
    public static int Run(string[] args, IReadOnlyList<IEnsembleTrainer> trainers, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(errors);
        try
        {
            switch (args)
            {
                case ["train", .. var rest]:
                    TrainCommand.Run(rest, trainers, output, cancellationToken);
                    return 0;
                case ["evaluate", .. var rest]:
                    EvaluateCommand.Run(rest, trainers, output, cancellationToken);
                    return 0;
                case ["explain", .. var rest]:
                    ExplainCommand.Run(rest, output, cancellationToken);
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
        catch (Exception e) when (e is EnsembleFormatException or InvalidDataException or IOException or UnauthorizedAccessException)
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

    internal static IEnsembleTrainer Trainer(CommandLine options, IReadOnlyList<IEnsembleTrainer> trainers)
    {
        var name = options.Text("--trainer") ?? trainers[0].Name;
        return trainers.FirstOrDefault(t => t.Name == name)
            ?? throw new UsageException($"There is no trainer {name} here, but {string.Join(", ", trainers.Select(t => t.Name))}.");
    }
}
