using Payments.Core;

namespace Payments.Connectors;

/// <summary>
/// The circuit of one provider in one mode. Five failures within a minute, or a 99th percentile above five seconds, open it; it is
/// probed every 30 seconds; three successful probes in a row bring it back at 10, 30 and 50 % of its payments, then in full. A
/// decline is an answer, not a failure. Polly's breaker counts a ratio and closes on one success at once, so this is a strategy
/// of our own inside Polly's pipeline (<see cref="CircuitStrategy"/>). Spans are measured on the monotonic clock: setting the wall
/// clock neither opens nor closes anything.
/// </summary>
public sealed class Circuit(Provider provider, Mode mode, ResilienceOptions options, TimeProvider time)
{
    private static readonly int[] RampShares = [10, 30, 50];

    private readonly Lock gate = new();
    private readonly CallWindow window = new(options.WindowSeconds, options.SlowMilliseconds);
    private readonly long began = time.GetTimestamp();
    private CircuitState state;
    private TimeSpan since;
    private TimeSpan nextProbe;
    private string? openedBecause;
    private DateTimeOffset? openedAt;
    private int probeSuccesses;

    public Provider Provider => provider;

    public Mode Mode => mode;

    public bool IsOpen => Standing().State == CircuitState.Open;

    /// <summary>Told of every call that really went out, and of none that the open circuit refused.</summary>
    /// <returns>True where this call opened the circuit.</returns>
    public bool Record(TimeSpan took, bool failed)
    {
        lock (gate)
        {
            var now = Now();
            Settle(now);
            window.Add((long)now.TotalSeconds, took, failed);
            if (state == CircuitState.Open)
            {
                return false;
            }

            if (window.Failures >= options.FailuresToOpen)
            {
                Open(now, "failures");
                return true;
            }

            if (window.Slow >= options.FailuresToOpen && window.IsSlow)
            {
                Open(now, "slow");
                return true;
            }

            return false;
        }
    }

    /// <summary>True at most once per probe interval while open: the caller then probes and reports.</summary>
    public bool TakeProbe()
    {
        lock (gate)
        {
            var now = Now();
            if (state != CircuitState.Open || now < nextProbe)
            {
                return false;
            }

            nextProbe = now + TimeSpan.FromMilliseconds(options.ProbeIntervalMilliseconds);
            return true;
        }
    }

    /// <returns>True where this probe brought the provider back.</returns>
    public bool Probed(bool succeeded)
    {
        lock (gate)
        {
            if (state != CircuitState.Open)
            {
                return false;
            }

            probeSuccesses = succeeded ? probeSuccesses + 1 : 0;
            if (probeSuccesses < options.ProbesToClose)
            {
                return false;
            }

            // What was counted during the outage must not close the door again.
            window.Clear();
            state = CircuitState.Ramping;
            since = Now();
            return true;
        }
    }

    public ProviderStanding Standing()
    {
        lock (gate)
        {
            var now = Now();
            Settle(now);
            return new ProviderStanding(provider, state, Share(now));
        }
    }

    public ProviderHealth Health()
    {
        lock (gate)
        {
            var now = Now();
            Settle(now);
            window.Advance((long)now.TotalSeconds);
            return new ProviderHealth(
                provider, mode, state, Share(now), window.Calls, window.Failures, window.P99Milliseconds(), openedAt, openedBecause,
                state == CircuitState.Open ? time.GetUtcNow() + (nextProbe - now) : null, probeSuccesses);
        }
    }

    private TimeSpan Now() => time.GetElapsedTime(began);

    private void Open(TimeSpan now, string because)
    {
        state = CircuitState.Open;
        openedBecause = because;
        openedAt = time.GetUtcNow();
        probeSuccesses = 0;
        nextProbe = now + TimeSpan.FromMilliseconds(options.ProbeIntervalMilliseconds);
    }

    /// <summary>The ramp needs no clock of its own: it is where the time since its beginning says.</summary>
    private void Settle(TimeSpan now)
    {
        if (state == CircuitState.Ramping && Step(now) >= RampShares.Length)
        {
            state = CircuitState.Closed;
        }
    }

    private int Share(TimeSpan now) => state switch
    {
        CircuitState.Open => 0,
        CircuitState.Ramping => RampShares[Step(now)],
        _ => 100,
    };

    private int Step(TimeSpan now) => (int)((now - since).TotalMilliseconds / options.RampStepMilliseconds);
}
