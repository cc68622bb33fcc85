using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Fraud.Metrics;

/// <summary><c>GET /internal/v1/ops/risk/metrics</c>: the risk dashboard's figures of payments created in a period; by default live ones of the last 30 days.</summary>
internal static class ReadRiskMetrics
{
    /// <summary>One question reads at most so much.</summary>
    public const int LongestDays = 400;

    private const int DefaultDays = 30;

    public static async Task<IResult> HandleAsync(HttpContext context, NpgsqlDataSource database, TimeProvider time, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (from, to, mode, merchant) = (query.Instant("from"), query.Instant("to"), query.Choice<Mode>("mode"), query.Id<MerchantId>("merchant_id"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var end = to ?? time.GetUtcNow();
        if ((from is null && end < DateTimeOffset.UnixEpoch.AddDays(DefaultDays)) || from >= end)
        {
            return Problems.InvalidParameter(from is null ? "to" : "from", "A time before the end of the period is expected.");
        }

        var begin = from ?? end.AddDays(-DefaultDays);
        if (end - begin > TimeSpan.FromDays(LongestDays))
        {
            return Problems.InvalidParameter("from", $"A time at most {LongestDays} days before the end of the period is expected.");
        }

        var period = new RiskPeriod(mode ?? Mode.Live, merchant, begin, end);
        return Results.Json(RiskReport.Of(period, await RiskFigures.ReadAsync(database, period, cancellationToken)), Json.Options);
    }
}
