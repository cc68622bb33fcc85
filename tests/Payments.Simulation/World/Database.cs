using System.Collections.Immutable;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;
using Payments.Simulation.Engine;

namespace Payments.Simulation.World;

/// <summary>
/// The payments database as far as the flow sees it: what one call of <c>write_changes</c> does, in the same order, and the schedules
/// of attempts and notices. Its clock is the right one. It never loses what it has.
/// </summary>
internal sealed class Database(Scheduler scheduler, Deadlines deadlines)
{
    private static readonly TimeSpan KeysLive = TimeSpan.FromHours(24);
    private readonly Dictionary<Guid, Verdict> commits = [];
    private readonly long[] heads = new long[LogicalPartition.Count];

    public Dictionary<PaymentId, PaymentState> Payments { get; } = [];

    public Dictionary<RequestKey, RequestRow> Requests { get; } = [];

    public Dictionary<AttemptId, ScheduledAttempt> Attempts { get; } = [];

    public Dictionary<(Provider Provider, string Reference), PaymentId> References { get; } = [];

    public Dictionary<string, NoticeRow> Notices { get; } = new(StringComparer.Ordinal);

    public List<(PaymentId? Payment, Incident Incident)> Incidents { get; } = [];

    /// <summary>The log of events, in the order of commits.</summary>
    public List<LogRow> Log { get; } = [];

    public long Head(int partition) => heads[partition];

    public long[] Heads() => (long[])heads.Clone();

    public DateTimeOffset Now => scheduler.Now;

    /// <summary>The number names the call: called again it gives the first verdict.</summary>
    public Verdict Commit(Guid number, PreparedChange prepared)
    {
        if (commits.TryGetValue(number, out var before))
        {
            return before;
        }

        var verdict = VerdictOn(prepared.Change);
        if (verdict == Verdict.Committed)
        {
            Write(prepared);
        }

        return commits[number] = verdict;
    }

    /// <summary>The payment that a provider means: by its names for it, else by what it echoes of ours.</summary>
    public PaymentId? Locate(Provider provider, IEnumerable<string> names, AttemptId? attempt, PaymentId? payment)
    {
        foreach (var name in names)
        {
            if (References.TryGetValue((provider, name), out var known))
            {
                return known;
            }
        }

        return attempt is { } id && Attempts.TryGetValue(id, out var row) && row.Provider == provider ? row.Payment
            : payment is { } own && Payments.TryGetValue(own, out var found) && found.AuthorizingAttempt?.Provider == provider ? own
            : null;
    }

    public RequestRow? FindRequest(RequestKey key) =>
        Requests.TryGetValue(key, out var row) && !IsForgotten(row) ? row : null;

    private Verdict VerdictOn(Change change)
    {
        if (change.Before > 0 && Payments[change.After.Id].Version != change.Before)
        {
            return Verdict.Conflict;
        }

        if (change.Held is { } held && Attempts[held.Id].Fence != held.Fence)
        {
            return Verdict.Fenced;
        }

        if (change.Claim is { } claim)
        {
            if (FindRequest(claim.Key) is not null)
            {
                return Verdict.KeyTaken;
            }

            Requests[claim.Key] = new RequestRow(claim.Fingerprint, change.After.Id, claim.OperationId);
        }

        return Verdict.Committed;
    }

    private void Write(PreparedChange prepared)
    {
        var change = prepared.Change;
        Payments[change.After.Id] = change.After;
        foreach (var operation in change.Touched)
        {
            for (var position = 0; position < operation.Attempts.Length; position++)
            {
                Write(change.After.Id, operation, operation.Attempts[position], position);
            }
        }

        if (change.Answer is { } answer && Requests.TryGetValue(answer.Key, out var asked) && asked.Payment == change.After.Id && asked.State != RequestState.Final)
        {
            (asked.State, asked.Status, asked.Body) = (answer.Body is null ? RequestState.Unresolved : RequestState.Final, answer.Status, answer.Body);
            asked.FinishedAt = answer.Body is null ? null : Now;
        }

        if (change.Release is { } release && Requests.TryGetValue(release, out var freed) && freed.Payment == change.After.Id && freed.State != RequestState.Final)
        {
            Requests.Remove(release);
        }

        foreach (var mark in change.Notices)
        {
            (Notices[mark.NoticeId].DueAt, Notices[mark.NoticeId].Verdict) = (null, mark.Verdict);
        }

        Incidents.AddRange(change.Incidents.Select(i => ((PaymentId?)change.After.Id, i)));
        foreach (var happened in prepared.Events.Select(e => e.Event).OrderBy(e => e.Version))
        {
            var partition = LogicalPartition.Of(happened.PaymentId);
            Log.Add(new LogRow(partition, ++heads[partition], happened));
        }
    }

    private void Write(PaymentId payment, Operation operation, Attempt attempt, int position)
    {
        if (!Attempts.TryGetValue(attempt.Id, out var row))
        {
            row = Attempts[attempt.Id] = new ScheduledAttempt(payment, operation.Id, attempt.Id, attempt.Provider);
        }

        if (row.IsPutOff)
        {
            // The age of a try that was put off counts from when it began.
            (row.OpenedAt, row.IsPutOff) = (Now, attempt.State == AttemptState.Scheduled);
        }

        (row.DueAt, row.LeasedUntil, row.Readings, row.MissingSince) = (Now + deadlines.DueIn(operation, attempt, position), null, 0, null);
        if (operation.Kind == OperationKind.Authorize && attempt.PaymentReference is { } reference)
        {
            References.TryAdd((attempt.Provider, reference), payment);
        }

        if (attempt.ModificationReference is { } modification)
        {
            References.TryAdd((attempt.Provider, modification), payment);
        }
    }

    private bool IsForgotten(RequestRow row) => row.FinishedAt is { } finished && finished < Now - KeysLive;
}

/// <summary>A merchant's key and what it was answered.</summary>
internal sealed class RequestRow(byte[] fingerprint, PaymentId payment, OperationId? operation)
{
    public byte[] Fingerprint => fingerprint;

    public PaymentId Payment => payment;

    public OperationId? Operation => operation;

    public RequestState State { get; set; } = RequestState.Running;

    public int? Status { get; set; }

    public byte[]? Body { get; set; }

    public DateTimeOffset? FinishedAt { get; set; }
}

/// <summary>An attempt's place in the resolver's schedule.</summary>
internal sealed class ScheduledAttempt(PaymentId payment, OperationId operation, AttemptId id, Provider provider)
{
    public PaymentId Payment => payment;

    public OperationId Operation => operation;

    public AttemptId Id => id;

    public Provider Provider => provider;

    public DateTimeOffset OpenedAt { get; set; }

    /// <summary>It has not begun; also before it is written for the first time.</summary>
    public bool IsPutOff { get; set; } = true;

    public DateTimeOffset? DueAt { get; set; }

    public DateTimeOffset? LeasedUntil { get; set; }

    public long Fence { get; set; }

    public int Readings { get; set; }

    public DateTimeOffset? MissingSince { get; set; }

    public int HandedOver { get; set; }

    /// <summary>When somebody may take it.</summary>
    public DateTimeOffset? FreeAt => DueAt is { } due ? LeasedUntil > due ? LeasedUntil : due : null;
}

/// <summary>A provider's notice, durable before it was acknowledged.</summary>
internal sealed class NoticeRow(Provider provider, Connectors.ProviderFact fact, DateTimeOffset arrivedAt)
{
    public Provider Provider => provider;

    public Connectors.ProviderFact Fact => fact;

    public DateTimeOffset? DueAt { get; set; } = arrivedAt;

    public int Tries { get; set; }

    public string? Verdict { get; set; }
}

/// <summary>An event with its number in its partition of the log.</summary>
internal sealed record LogRow(int Partition, long Sequence, PaymentEvent Event);
