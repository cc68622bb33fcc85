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

    /// <summary>
    /// Most merchants' requests in this process at all, those counted that wait for a provider: each keeps its memory. 500 a second that
    /// each wait ten seconds for a provider that hangs are 5,000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MostAccepted { get; set; } = 8_192;
}

/// <summary>
/// How much this process works at. A provider that hangs holds thousands of requests and none of our time, so that they must not keep the
/// others out; how many it may hold is bounded too.
/// </summary>
public sealed class Admission(IOptions<AdmissionOptions> options)
{
    private static readonly Meter Meter = new(Names.TelemetryPrefix + "Admission");
    private static readonly UpDownCounter<int> Requests = Meter.CreateUpDownCounter<int>("payments.requests.under_way", "{request}", "Merchants' requests that are worked at, those not counted that wait for a provider.");
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>("payments.requests.refused", "{request}", "Requests that were refused at the door because too many were under way.");

    private readonly AdmissionOptions limits = options.Value;
    private int underWay;
    private int accepted;

    /// <summary>False where there are too many; else <see cref="Leave"/> must follow.</summary>
    public bool TryEnter()
    {
        if (!TryAdd(ref accepted, limits.MostAccepted))
        {
            return Refuse();
        }

        if (!TryAdd(ref underWay, limits.MostUnderWay))
        {
            Interlocked.Decrement(ref accepted);
            return Refuse();
        }

        Requests.Add(1);
        return true;
    }

    public void Leave()
    {
        Interlocked.Decrement(ref accepted);
        Go();
    }

    /// <summary>While this lives, the request that was admitted waits for somebody else. It is never refused when it comes back.</summary>
    public Absence Away()
    {
        Go();
        return new Absence(this);
    }

    private static bool TryAdd(ref int count, int most)
    {
        if (Interlocked.Increment(ref count) <= most)
        {
            return true;
        }

        Interlocked.Decrement(ref count);
        return false;
    }

    private static bool Refuse()
    {
        Refusals.Add(1);
        return false;
    }

    private void Go()
    {
        Interlocked.Decrement(ref underWay);
        Requests.Add(-1);
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
