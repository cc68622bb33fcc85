using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Reconciliation.Imports;

namespace Payments.Reconciliation.Fetching;

/// <summary>Fetches what is due and imports it. A fetch that fails is tried again, later and later; an import makes the same content the same.</summary>
public sealed partial class Fetcher(
    FetchList list, Importer importer, IConfiguration configuration, IHttpClientFactory clients, IOptions<ReconciliationOptions> options, TimeProvider time, ILogger<Fetcher> logger)
{
    public const string Client = "reports";

    /// <summary>One that holds a report for longer than this is thought dead, and another one takes it.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LongestFetch = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestQuestion = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private long MostBytes => options.Value.LargestReportMegabytes * 1024L * 1024;

    /// <summary>Whether a report of this name is one that settles payments; providers announce others too.</summary>
    public static bool IsSettlement(string provider, string name) => provider == Book.Adyen && SettlementReport().IsMatch(name);

    /// <summary>Asks providers that do not announce what there is to fetch.</summary>
    public async Task AskAsync(CancellationToken cancellationToken)
    {
        foreach (var mode in Enum.GetValues<Mode>())
        {
            if (ReportAccounts.From(configuration, mode).Stripe is not { } stripe)
            {
                continue;
            }

            try
            {
                using var http = clients.CreateClient(Client);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(LongestQuestion);
                foreach (var payout in await new StripePayouts(http, stripe, MostBytes).ListAsync(time.GetUtcNow().AddDays(-options.Value.PayoutDays), limit.Token))
                {
                    await list.AddAsync(mode, Book.Stripe, payout, again: false, cancellationToken);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is (FetchFailedException or OperationCanceledException))
            {
                ReconciliationTelemetry.Fetched(Book.Stripe, "failed");
                Log.AskingFailed(logger, Book.Stripe, mode, Reason(e));
            }
        }
    }

    /// <summary>Fetches one by one what is due; returns how many came.</summary>
    public async Task<int> FetchDueAsync(CancellationToken cancellationToken)
    {
        var done = 0;
        while (await list.TakeAsync(Lease, cancellationToken) is { } fetch)
        {
            done += await TryAsync(fetch, cancellationToken) ? 1 : 0;
        }

        return done;
    }

    private async Task<bool> TryAsync(DueFetch fetch, CancellationToken cancellationToken)
    {
        using var span = ReconciliationTelemetry.Source.StartActivity("reconciliation.fetch");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LongestFetch);
        try
        {
            var path = await BringAsync(fetch, limit.Token);
            var result = await importer.ImportAsync(path, fetch.Mode, null, null, cancellationToken);
            await list.DoneAsync(fetch, result.Number, result.State == "refused" ? $"line {result.Line}: {result.Reason}" : null, cancellationToken);
            Download.Forget(path);
            ReconciliationTelemetry.Fetched(fetch.Provider, result.State == "refused" ? "refused" : "fetched");
            Log.Fetched(logger, fetch.Provider, fetch.Name, result.State, result.IsNew);
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is FetchFailedException or OperationCanceledException or ImportTakenException or IOException)
        {
            var pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(fetch.Tries - 1, 10)));
            await list.FailedAsync(fetch, Reason(e), pause, cancellationToken);
            ReconciliationTelemetry.Fetched(fetch.Provider, "failed");
            Log.FetchFailed(logger, fetch.Provider, fetch.Name, fetch.Tries, Reason(e));
            return false;
        }
    }

    private async Task<string> BringAsync(DueFetch fetch, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(options.Value.FetchDirectory ?? Path.Combine(Path.GetTempPath(), "payments-reports"), Words.Of(fetch.Mode), fetch.Provider);
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, fetch.Name);
        var accounts = ReportAccounts.From(configuration, fetch.Mode);
        using var http = clients.CreateClient(Client);
        switch (fetch.Provider)
        {
            case Book.Adyen when accounts.Adyen is { } adyen:
                // The announcement's own address is not signed, its name is: the credentials go nowhere but where they belong.
                var address = new Uri(adyen.BaseUrl, $"reports/download/MerchantAccount/{Uri.EscapeDataString(adyen.MerchantAccount)}/{Uri.EscapeDataString(fetch.Name)}");
                var user = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{adyen.User}:{adyen.Password}")));
                await new Download(http, MostBytes).FetchAsync(address, user, path, cancellationToken);
                return path;
            case Book.Stripe when accounts.Stripe is { } stripe:
                await new StripePayouts(http, stripe, MostBytes).FetchAsync(fetch.Name, path, cancellationToken);
                return path;
            default:
                throw new FetchFailedException("no credentials are set for its reports");
        }
    }

    private static string Reason(Exception e) => e switch
    {
        FetchFailedException or ImportTakenException => e.Message,
        OperationCanceledException => "it took too long",
        _ => "the file could not be written here",
    };

    [GeneratedRegex(@"\Asettlement_detail_report_batch_[0-9]{1,9}\.csv\z", RegexOptions.CultureInvariant)]
    private static partial Regex SettlementReport();
}
