using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Payments.Bench.Load;

/// <summary>
/// <b>B</b>: what PostgreSQL's own benchmark does on the same server, <c>pgbench</c> tpcb-like, prepared, 8 clients, scale 50. Every result
/// is a ratio to it, so that it means something on another machine.
/// </summary>
internal sealed partial class Baseline(string connectionString)
{
    public const string Database = "bench_baseline";
    private const string Scale = "50";
    private readonly NpgsqlConnectionStringBuilder server = new(connectionString);

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await using (var connection = new NpgsqlConnection(connectionString + ";Pooling=false"))
        {
            await connection.OpenAsync(cancellationToken);
            await using var create = new NpgsqlCommand($"CREATE DATABASE {Database}", connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }

        await RunAsync(["-i", "-q", "-s", Scale], cancellationToken);
    }

    /// <summary>Transactions a second.</summary>
    public async Task<double> MeasureAsync(int seconds, CancellationToken cancellationToken)
    {
        var output = await RunAsync(["-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", seconds.ToString(CultureInfo.InvariantCulture)], cancellationToken);
        return Rate().Match(output) is { Success: true } rate
            ? double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"pgbench told no rate, as where nothing was done in {seconds} s: {output}");
    }

    private async Task<string> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("pgbench") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[.. arguments, "-h", server.Host!, "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-U", server.Username!, Database])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["PGPASSWORD"] = server.Password;
        using var process = Process.Start(start) ?? throw new InvalidOperationException("pgbench did not start.");
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"pgbench failed: {await error}");
    }

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Rate();
}
