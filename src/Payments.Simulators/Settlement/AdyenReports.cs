using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Payments.Simulators.Books;

namespace Payments.Simulators.Settlement;

/// <summary>Reports that were announced, for the report user: with a tag of their version, and in pieces for whoever asks for them.</summary>
internal sealed class AdyenReports
{
    private readonly ConcurrentDictionary<string, (DateOnly From, DateOnly Through)> announced = new(StringComparer.Ordinal);

    private const string Prefix = "settlement_detail_report_batch_";

    public void Announce(string name, DateOnly from, DateOnly through) => announced[name] = (from, through);

    public static IResult Download(HttpContext http, string account, string name, AdyenReports reports, BookStore books, SettlementFaults faults, IOptions<SimulatorsOptions> options)
    {
        var adyen = options.Value.Adyen;
        if (!IsReportUser(http, adyen))
        {
            http.Response.Headers.WWWAuthenticate = "Basic realm=\"Reports\"";
            return TypedResults.StatusCode(StatusCodes.Status401Unauthorized);
        }

        if (account != adyen.MerchantAccount || !reports.announced.TryGetValue(name, out var period)
            || !int.TryParse(Path.GetFileNameWithoutExtension(name).Replace(Prefix, "", StringComparison.Ordinal), NumberStyles.None, CultureInfo.InvariantCulture, out var batch))
        {
            return TypedResults.NotFound();
        }

        var lines = faults.Strike(Providers.Adyen, SettledMovements.Read(books, Providers.Adyen, period.From, period.Through));
        var report = Encoding.UTF8.GetBytes(SettlementReports.Adyen(lines, account, batch));
        return TypedResults.File(report, "text/csv", enableRangeProcessing: true, entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexString(SHA256.HashData(report))[..32]}\""));
    }

    private static bool IsReportUser(HttpContext http, AdyenAccount adyen)
    {
        var expected = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{adyen.ReportUser}:{adyen.ReportPassword}"));
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(http.Request.Headers.Authorization.ToString()));
    }
}
