using System.Globalization;
using Payments.AllInOne.Embedded;

namespace Payments.AllInOne;

/// <summary>
/// The .NET Aspire dashboard, started through its CLI. Open to whoever can reach 127.0.0.1, as are its telemetry ports and its
/// telemetry API (<c>/api/telemetry/…</c>).
/// </summary>
internal sealed class Dashboard : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ServerProcess process;
    private readonly string pidFile;

    private Dashboard(ServerProcess process, string pidFile)
    {
        this.process = process;
        this.pidFile = pidFile;
    }

    public static async Task<Dashboard> StartAsync(string cli, string directory, Addresses addresses, CancellationToken cancellationToken)
    {
        var pidFile = Path.Combine(directory, "dashboard.pid");
        var frontend = Text(addresses.Dashboard);
        await ServerProcess.StopStaleAsync(
            pidFile, pid => Posix.CommandLineOf(pid).Split('\0') is var c && c.Contains("dashboard") && c.Contains(frontend), Posix.SigTerm, Patience, cancellationToken);

        var home = Path.Combine(Path.GetDirectoryName(cli)!, "home");
        Directory.CreateDirectory(home);
        string[] command =
        [
            // It unpacks itself and keeps state in the home directory: beside its own program rather than the user's.
            "env", "HOME=" + home, "ASPIRE_CLI_TELEMETRY_OPTOUT=true", "DASHBOARD__API__ENABLED=true",
            cli, "dashboard", "run", "--nologo", "--non-interactive", "--allow-anonymous",
            "--frontend-url", frontend,
            "--otlp-grpc-url", Text(addresses.DashboardOtlpGrpc),
            "--otlp-http-url", Text(addresses.DashboardOtlpHttp),
        ];
        var dashboard = new Dashboard(ServerProcess.Start(command, Path.Combine(directory, "dashboard.log"), directory), pidFile);
        try
        {
            await File.WriteAllTextAsync(pidFile, dashboard.process.Id.ToString(CultureInfo.InvariantCulture), cancellationToken);
            using var client = new HttpClient();
            await dashboard.process.WaitUntilReadyAsync("The Aspire dashboard", c => AnswersAsync(client, new Uri(addresses.Dashboard, "health"), c), Patience, cancellationToken);
            return dashboard;
        }
        catch (Exception)
        {
            await dashboard.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await process.StopAsync(Posix.SigTerm, TimeSpan.FromSeconds(10));
        process.Dispose();
        File.Delete(pidFile);
    }

    private static async Task<bool> AnswersAsync(HttpClient client, Uri health, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(health, cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static string Text(Uri address) => address.GetLeftPart(UriPartial.Authority);
}
