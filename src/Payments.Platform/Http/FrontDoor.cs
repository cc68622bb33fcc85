using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Platform.Http;

/// <summary>
/// What every request passes first and last: an id, headers that browsers heed, the limit of the body, and a problem body wherever an
/// error would otherwise leave without one.
/// </summary>
internal sealed class FrontDoor(RequestDelegate next, IdSource ids, ILogger<FrontDoor> logger)
{
    public const string RequestIdHeader = "Request-Id";

    public async Task InvokeAsync(HttpContext context)
    {
        context.TraceIdentifier = IdOf(context.Request);
        SetHeaders(context);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // The server counts the framing of chunks, too; the exact limit is kept where the body is read.
            size.MaxRequestBodySize = BodyLimit.Of(context) + 8192L;
        }

        try
        {
            await next(context);
            if (IsBareError(context.Response))
            {
                await Problems.OfStatus(context.Response.StatusCode).ExecuteAsync(context);
            }
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (BadHttpRequestException e)
        {
            await AnswerAsync(context, Problems.OfStatus(e.StatusCode));
        }
        catch (Exception e) when (Outage.IsOne(e))
        {
            HttpLog.Unhandled(logger, e, context.Request.Method, context.GetEndpoint()?.DisplayName, context.TraceIdentifier);
            await AnswerAsync(context, Problems.OutOfReach);
        }
        catch (Exception e)
        {
            HttpLog.Unhandled(logger, e, context.Request.Method, context.GetEndpoint()?.DisplayName, context.TraceIdentifier);
            await AnswerAsync(context, Problems.InternalError);
        }
    }

    /// <summary>A request that another service forwards keeps its id.</summary>
    private string IdOf(HttpRequest request) =>
        request.Path.StartsWithSegments("/internal") && Id.TryParse<RequestId>(request.Headers[RequestIdHeader], out var forwarded)
            ? forwarded.ToString()
            : ids.New<RequestId>().ToString();

    private static Task AnswerAsync(HttpContext context, Problem problem)
    {
        if (context.Response.HasStarted)
        {
            // Half an answer went out: cut the connection rather than let it look whole.
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.Clear();
        SetHeaders(context);
        return problem.ExecuteAsync(context);
    }

    private static bool IsBareError(HttpResponse response) =>
        response is { StatusCode: >= 400, HasStarted: false, ContentLength: null or 0 } && string.IsNullOrEmpty(response.ContentType);

    private static void SetHeaders(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers[RequestIdHeader] = context.TraceIdentifier;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        headers["Referrer-Policy"] = "no-referrer";
        if (context.Request.IsHttps)
        {
            headers.StrictTransportSecurity = "max-age=31536000";
        }
    }
}
