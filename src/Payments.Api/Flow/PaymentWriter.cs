using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Flow;

/// <summary>The one writer of payments in this process: takes what waits and commits it together.</summary>
public sealed class PaymentWriter(CommitChanges commit, IdSource ids, TimeProvider time) : IAsyncDisposable
{
    private readonly GroupWriter<PreparedChange, Verdict> group =
        new("payments", change => change.Change.After.Id.Value, commit.WriteAsync, new GroupWriterOptions(), ids, time);

    /// <summary>Returns once the change is durable or has lost. Not cancellable: what a provider answered is written down in any case.</summary>
    public Task<Verdict> WriteAsync(Change change) => group.WriteAsync(PreparedChange.Of(change, ids, time));

    public ValueTask DisposeAsync() => group.DisposeAsync();
}
