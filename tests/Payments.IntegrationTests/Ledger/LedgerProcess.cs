using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Payments.AllInOne.Embedded;
using Payments.IntegrationTests.Events;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>The ledger in a process of its own, which is killed where it is aimed at.</summary>
internal sealed class LedgerProcess : IDisposable
{
    private readonly Process process;

    private LedgerProcess(Process process, Uri address)
    {
        this.process = process;
        Http = new HttpClient { BaseAddress = address };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", EventTestBed.InternalKey);
    }

    public HttpClient Http { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="of">Whose books, broker and publisher it uses.</param>
    /// <param name="aim">The file that names the step; without it nothing happens to the process.</param>
    public static async Task<LedgerProcess> StartAsync(LedgerService of, string aim)
    {
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}"));
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Payments.Ledger.dll")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in of.Settings.Concat(new Dictionary<string, string?>
        {
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ConnectionStrings:ledger"] = of.Books.ConnectionString,
            ["ConnectionStrings:kafka"] = of.Bed.Broker.BootstrapServers,
            ["Payments:InternalKey"] = EventTestBed.InternalKey,
            ["Payments:Urls:Api"] = of.Bed.PublisherUrl.ToString(),
            ["Payments:Ledger:SettlementSeconds"] = "1",
            ["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "Payments.Killing.dll"),
            ["PAYMENTS_KILL_AIM"] = aim,
        }))
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        var process = Process.Start(start)!;
        var told = new ConcurrentQueue<string?>();
        process.OutputDataReceived += (_, line) => told.Enqueue(line.Data);
        process.ErrorDataReceived += (_, line) => told.Enqueue(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var ledger = new LedgerProcess(process, address);
        while (!process.HasExited && !await ledger.AnswersAsync())
        {
            await Task.Delay(100, Cancel);
        }

        // It may have been killed already, but by its aim alone.
        Assert.True(!process.HasExited || File.Exists(aim + ".hit"), $"The ledger ended by itself: {string.Join('\n', told)}");
        return ledger;
    }

    public Task DiedAsync() => process.WaitForExitAsync(Cancel);

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri("/internal/v1/ops/payouts", UriKind.Relative), Cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        Http.Dispose();
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }
}
