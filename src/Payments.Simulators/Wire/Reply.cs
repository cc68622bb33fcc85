using System.Text;
using Microsoft.AspNetCore.Http;
using Payments.Simulators.Faults;

namespace Payments.Simulators.Wire;

/// <summary>The answering side of one request: sends, hangs or breaks off.</summary>
internal sealed record Reply(HttpContext Http, Dialect Dialect, string RequestId, string? Key, TimeProvider Clock)
{
    public async Task SendAsync(Answer answer, bool isReplay = false)
    {
        Http.Response.StatusCode = answer.Status;
        Dialect.WriteHeaders(Http, RequestId, Key, isReplay, answer);
        if (answer.Body.Length == 0)
        {
            return;
        }

        Http.Response.ContentType = "application/json; charset=utf-8";
        var bytes = Encoding.UTF8.GetBytes(answer.Body);
        Http.Response.ContentLength = bytes.Length;
        await Http.Response.Body.WriteAsync(bytes, Http.RequestAborted);
    }

    /// <summary>What the wire makes of an answer when a fault strikes after the work was done.</summary>
    public async Task SendAsync(Answer answer, Fault? fault)
    {
        switch (fault?.Kind)
        {
            case FaultKind.TimeoutAfter:
                await HangAsync(fault);
                break;
            case FaultKind.DropAfter:
                Http.Abort();
                break;
            case FaultKind.Malformed:
                await SendAsync(answer with { Body = answer.Body[..(answer.Body.Length / 2)] });
                break;
            default:
                await SendAsync(answer);
                break;
        }
    }

    /// <summary>Lets a fault strike before anything was done; true when the request goes on.</summary>
    public async Task<bool> SurvivesAsync(Fault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.Delay:
                await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMs), Clock, Http.RequestAborted);
                return true;
            case FaultKind.TimeoutBefore:
                await HangAsync(fault);
                return false;
            case FaultKind.DropBefore:
                Http.Abort();
                return false;
            case FaultKind.TooManyRequests:
                await SendAsync(Dialect.TooManyRequests());
                return false;
            case FaultKind.ServiceUnavailable:
                await SendAsync(Dialect.ServiceUnavailable());
                return false;
            default:
                throw new InvalidOperationException($"{fault.Kind} does not strike before execution.");
        }
    }

    private async Task HangAsync(Fault fault)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMs), Clock, Http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Http.Abort();
    }
}
