using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A product of its own whose clock can be set to other days; everything else about time is real.</summary>
public sealed class ProofProduct(EmbeddedServers servers) : FlowProduct(servers)
{
    private readonly Clock clock = new();

    protected override TimeProvider Time => clock;

    protected override Dictionary<string, string?> Configuration() => new(base.Configuration())
    {
        ["Payments:Reconciliation:FetchSeconds"] = "1",
        ["Payments:Reconciliation:StatementQuietSeconds"] = "0",
    };

    /// <summary>
    /// Yesterday in the evening, today, or tomorrow early. Never as much as a day from the database's own clock, which refuses payments that
    /// are made so far from it.
    /// </summary>
    public DateOnly GoTo(int day)
    {
        var now = TimeProvider.System.GetUtcNow();
        var midnight = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var to = day switch { < 0 => midnight.AddHours(-3.5), > 0 => midnight.AddDays(1).AddMinutes(10), _ => now };
        var most = TimeSpan.FromHours(23.9);
        clock.Offset = TimeSpan.FromTicks(Math.Clamp((to - now).Ticks, -most.Ticks, most.Ticks));
        return DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
    }

    private sealed class Clock : TimeProvider
    {
        private long offset;

        public TimeSpan Offset
        {
            set => Interlocked.Exchange(ref offset, value.Ticks);
        }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref offset));
    }
}
