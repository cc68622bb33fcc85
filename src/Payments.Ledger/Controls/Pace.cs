namespace Payments.Ledger.Controls;

/// <summary>
/// How controls give way to what somebody waits for: after a part of their work they rest four times as long as it took, so that a round takes
/// a fifth of one processor for longer, instead of a whole one at once.
/// </summary>
public sealed class Pace(TimeProvider time)
{
    private const int RestOfWork = 4;

    /// <summary>Parts that take less are put together.</summary>
    private static readonly TimeSpan Part = TimeSpan.FromMilliseconds(10);

    /// <summary>Where a part takes long because the machine is busy, the round still ends.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    private long began = time.GetTimestamp();

    public async Task RestAsync(CancellationToken cancellationToken)
    {
        var worked = time.GetElapsedTime(began);
        if (worked < Part)
        {
            return;
        }

        var rest = RestOfWork * worked;
        await Task.Delay(rest < Longest ? rest : Longest, time, cancellationToken);
        began = time.GetTimestamp();
    }
}
