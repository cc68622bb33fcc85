using Payments.Connectors;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary><c>POST /providers/{provider}/{mode}/webhooks</c>: verified, durable, acknowledged; what is not known already is applied right after.</summary>
public static class ProviderWebhooks
{
    public const int LargestBody = 512 * 1024;

    public static async Task<IResult> HandleAsync(
        HttpContext context, string provider, string mode, ConnectorRegistry connectors, NoticeStore notices, NoticeReading reading, FlowSignal signal, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(connectors);
        ArgumentNullException.ThrowIfNull(notices);
        ArgumentNullException.ThrowIfNull(reading);
        ArgumentNullException.ThrowIfNull(signal);
        if (!Words.TryParse<Provider>(provider, out var from) || !ModeNames.TryParse(mode, out var of) || connectors.Find(from, of) is not { } connector)
        {
            return Problems.RouteNotFound;
        }

        if (!(await RequestBytes.ReadAsync(context, cancellationToken)).Succeeded(out var body, out var problem))
        {
            return problem;
        }

        var headers = context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        if (connector.ReadWebhook(headers, body) is not { } notice)
        {
            FlowTelemetry.NoticeRefused(from);
            return Problems.SignatureInvalid;
        }

        await reading.CallsAnsweredAsync(notice, cancellationToken);
        Steps.Reached(Steps.NoticeBefore);
        var isDue = await notices.KeepAsync(notice, reading.Of);
        Steps.Reached(Steps.NoticeAfter);
        if (isDue)
        {
            signal.NoticeArrived();
        }

        return Results.Text("[accepted]");
    }
}
