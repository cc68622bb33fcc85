using System.Globalization;
using Payments.Platform;

namespace Payments.AllInOne;

/// <summary>What <c>run.sh</c> passes on.</summary>
/// <param name="Began">When the person began to wait.</param>
internal sealed record CommandLine(string DataDirectory, int Port, bool Demo, string? AspireCli, DateTimeOffset Began)
{
    /// <exception cref="ArgumentException">An unknown option, or one without its value.</exception>
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var parsed = new CommandLine(".payments", Ports.DefaultBase, Demo: true, AspireCli: null, Began: TimeProvider.System.GetUtcNow());
        for (var i = 0; i < arguments.Count; i++)
        {
            string Value() => ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{arguments[i - 1]} needs a value.");
            parsed = arguments[i] switch
            {
                "--data" => parsed with { DataDirectory = Path.GetFullPath(Value()) },
                "--port" => parsed with { Port = int.Parse(Value(), CultureInfo.InvariantCulture) },
                "--no-demo" => parsed with { Demo = false },
                "--dashboard" => parsed with { AspireCli = Value() },
                "--began" => parsed with { Began = DateTimeOffset.UnixEpoch.AddSeconds(double.Parse(Value(), CultureInfo.InvariantCulture)) },
                var unknown => throw new ArgumentException($"Unknown option {unknown}."),
            };
        }

        return parsed;
    }
}
