using Payments.Chaos.Faults;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>A full disk counts as a fault only where the database was refused a write since.</summary>
public sealed class DiskRefusalsTests : IDisposable
{
    private readonly string log = Path.GetTempFileName();

    public void Dispose() => File.Delete(log);

    [Fact]
    public void Only_what_was_refused_since_counts()
    {
        File.AppendAllText(log, "ERROR:  could not extend file \"base/5/1\": No space left on device\n");
        var refusals = new DiskRefusals(log);
        File.AppendAllText(log, "LOG:  checkpoint complete\n");
        Assert.False(refusals.HaveGrown());

        File.AppendAllText(log, "PANIC:  could not write to file \"pg_wal/xlogtemp.7\": No space left on device\n");
        Assert.True(refusals.HaveGrown());
    }

    [Fact]
    public void A_log_that_does_not_exist_tells_nothing()
    {
        File.Delete(log);

        Assert.False(new DiskRefusals(log).HaveGrown());
    }
}
