using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Payments.AllInOne.Embedded;

namespace Payments.Bench.Load;

/// <summary>Counts transactions that wrote something, by what they left in PostgreSQL's log: its statistics count those that only read as well.</summary>
internal static partial class WalDump
{
    /// <param name="data">The server's data directory.</param>
    /// <returns>Not a number where the log of that time is no longer there.</returns>
    public static async Task<double> CommitsAsync(string data, string from, string to, CancellationToken cancellationToken)
    {
        string[] arguments = ["--path", Path.Combine(data, "pg_wal"), "--start", from, "--end", to, "--rmgr", "Transaction", "--stats=record"];
        string[] command = [.. PostgresInstallation.Find().Command("pg_waldump", data, arguments)];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("pg_waldump did not start.");
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        await error; // a record that reaches beyond the end is told there, after the statistics
        return Commits(output);
    }

    public static double Commits(string statistics) =>
        Line().Matches(statistics) is { Count: > 0 } lines ? lines.Sum(l => double.Parse(l.Groups[1].Value, CultureInfo.InvariantCulture)) : double.NaN;

    [GeneratedRegex(@"^Transaction/COMMIT\s+(\d+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
