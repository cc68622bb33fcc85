using System.ComponentModel.DataAnnotations;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Payments.Platform.Http;

/// <summary>Section <c>Payments:Admission</c>.</summary>
public sealed class AdmissionOptions
{
    public const string Section = "Payments:Admission";

    /// <summary>
    /// Most merchants' requests that this process works at, those not counted that wait for a provider. Beyond it more at once only makes
    /// everybody wait longer, so the rest is refused at the door.
    /// </summary>
    [Range(1, 100_000)]
    public int MostUnderWay { get; set; } = 512;
}

/// <summary>
/// How much this process works at. A provider that hangs holds thousands of requests and none of our time, so that they must not keep the
/// others out.
/// </summary>
public sealed class Admission(IOptions<AdmissionOptions> options)
{
    private static readonly Meter Meter = new(Names.TelemetryPrefix + "Admission");
    private static readonly UpDownCounter<int> Requests = Meter.CreateUpDownCounter<int>("payments.requests.under_way", "{request}", "Merchants' requests that are worked at, those not counted that wait for a provider.");
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>("payments.requests.refused", "{request}", "Requests that were refused at the door because too many were under way.");

    private readonly int most = options.Value.MostUnderWay;
    private int underWay;

    /// <summary>False where there are too many; else <see cref="Leave"/> must follow.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref underWay) > most)
        {
            Interlocked.Decrement(ref underWay);
            Refusals.Add(1);
            return false;
        }

        Requests.Add(1);
        return true;
    }

    public void Leave()
    {
        Interlocked.Decrement(ref underWay);
        Requests.Add(-1);
    }

    /// <summary>While this lives, the request that was admitted waits for somebody else. It is never refused when it comes back.</summary>
    public Absence Away()
    {
        Leave();
        return new Absence(this);
    }

    private void Return()
    {
        Interlocked.Increment(ref underWay);
        Requests.Add(1);
    }

    /// <summary>Dispose once.</summary>
    public readonly struct Absence(Admission admission) : IDisposable
    {
        public void Dispose() => admission?.Return();
    }
}

/// <summary>
/// Refuses merchants' requests at once where too many are under way, before anything is looked up for them. What operators, providers and
/// other services send is not refused: it settles what was accepted before.
/// </summary>
internal sealed class AdmissionDoor(RequestDelegate next, Admission admission)
{
    private static readonly PathString Merchants = "/v1";

    public Task InvokeAsync(HttpContext context) =>
        !context.Request.Path.StartsWithSegments(Merchants) ? next(context)
        : admission.TryEnter() ? AdmittedAsync(context)
        : Problems.Overloaded.ExecuteAsync(context);

    private async Task AdmittedAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        finally
        {
            admission.Leave();
        }
    }
}
