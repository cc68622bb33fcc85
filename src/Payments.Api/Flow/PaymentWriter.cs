using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Flow;

/// <summary>The one writer of payments in this process: takes what waits and commits it together.</summary>
public sealed class PaymentWriter(CommitChanges commit, IdSource ids, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Payers wait for it: only where so many pay that each commit has several of them, commits are further apart (ADRs 0133, 0146).</summary>
    private static readonly GroupWriterOptions Options = new() { Gather = TimeSpan.FromMilliseconds(25), GatherFrom = 6, RestsNoLongerThanItWorked = true };

    private readonly GroupWriter<PreparedChange, Verdict> group =
        new("payments", change => change.Change.After.Id.Value, commit.WriteAsync, Options, ids, time, Overtaken);

    /// <summary>Told of every payment as it was just committed.</summary>
    public event Action<PaymentState>? Committed;

    /// <summary>Returns once the change is durable or has lost. Not cancellable: what a provider answered is written down in any case.</summary>
    public async Task<Verdict> WriteAsync(Change change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var verdict = await group.WriteAsync(PreparedChange.Of(change, ids, time));
        if (verdict == Verdict.Committed)
        {
            Committed?.Invoke(change.After);
        }

        return verdict;
    }

    /// <summary>A payment's version only grows: whoever started from the one that was just left behind, or from an older one, has lost.</summary>
    private static Verdict? Overtaken(PreparedChange waiting, PreparedChange settled, Verdict verdict) =>
        verdict is Verdict.Committed or Verdict.Conflict && waiting.Change.Before <= settled.Change.Before ? Verdict.Conflict : null;

    public ValueTask DisposeAsync() => group.DisposeAsync();
}
