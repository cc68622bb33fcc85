using Payments.Api.Flow;
using Payments.Core;
using Payments.Simulation.Engine;
using Payments.Simulation.World;

namespace Payments.Simulation.Shell;

/// <summary>How a process reaches the database: every call is a step before it and, where it writes, one after it.</summary>
internal sealed class Storage(Database database, Faults faults, Scheduler scheduler, Process process, IdSource ids)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan NoticeLease = TimeSpan.FromSeconds(30);

    public async Task<PaymentState?> FindAsync(PaymentId payment)
    {
        await scheduler.Step();
        return database.Payments.GetValueOrDefault(payment);
    }

    public async Task<RequestRow?> FindRequestAsync(RequestKey key)
    {
        await scheduler.Step();
        return database.FindRequest(key);
    }

    public async Task<PaymentId?> LocateAsync(Provider provider, IEnumerable<string> names, AttemptId? attempt, PaymentId? payment)
    {
        await scheduler.Step();
        return database.Locate(provider, names, attempt, payment);
    }

    /// <summary>Phantoms.KnowledgeAsync</summary>
    public async Task<ChargeKnowledge> KnowledgeAsync(ProviderCharge charge)
    {
        await scheduler.Step();
        var attempt = charge.AttemptId is { } id ? database.Attempts.GetValueOrDefault(id) : null;
        return new ChargeKnowledge(
            database.References.ContainsKey((charge.Provider, charge.Reference)), Suspended: false, Owner(attempt?.Payment), attempt?.Provider, Owner(charge.PaymentId), MerchantExists: true);

        Owned? Owner(PaymentId? payment) => payment is { } known && database.Payments.TryGetValue(known, out var found) ? new Owned(known, found.MerchantId, found.Mode) : null;
    }

    /// <summary>As the group writer: whatever broke is asked for again under the same number, until patience ends.</summary>
    public async Task<Verdict> WriteAsync(Change change)
    {
        var prepared = PreparedChange.Of(change, ids, process);
        var number = ids.New<EventId>().Value;
        await scheduler.Step();
        while (faults.Strikes(faults.Commits, out var fault))
        {
            switch (fault)
            {
                case CommitFault.Away:
                    throw new DatabaseAwayException();
                case CommitFault.AnswerLost:
                    database.Commit(number, prepared);
                    break;
                default:
                    break;
            }

            await scheduler.Sleep(RetryDelay);
        }

        var verdict = database.Commit(number, prepared);
        await scheduler.Step();
        return verdict;
    }

    public async Task<ScheduledAttempt?> TakeAsync(PaymentId payment, OperationId operation)
    {
        await scheduler.Step();
        var row = database.Attempts.Values.FirstOrDefault(a => a.Payment == payment && a.Operation == operation && a.FreeAt <= database.Now);
        return row is null ? null : Taken(row);
    }

    public async Task<IReadOnlyList<ScheduledAttempt>> TakeDueAsync()
    {
        await scheduler.Step();
        var due = database.Attempts.Values.Where(a => a.FreeAt <= database.Now).OrderBy(a => a.DueAt).ToList();
        due.ForEach(a => Taken(a));
        return due;
    }

    /// <param name="delay">Until the next look; null: never again.</param>
    /// <param name="isMissing">The provider answered that it does not have it.</param>
    public async Task PostponeAsync(ScheduledAttempt row, long fence, TimeSpan? delay, bool isMissing = false)
    {
        await scheduler.Step();
        if (row.Fence == fence && row.DueAt is not null)
        {
            (row.DueAt, row.LeasedUntil) = (database.Now + delay, null);
            row.MissingSince = isMissing ? database.Now : row.MissingSince;
        }
    }

    /// <summary>DueAttempts.HandOverAsync</summary>
    public async Task<bool> HandOverAsync(PaymentState payment, AttemptId attempt)
    {
        await scheduler.Step();
        var isUnchanged = database.Payments[payment.Id].Version == payment.Version;
        database.Attempts[attempt].HandedOver += isUnchanged ? 1 : 0;
        await scheduler.Step();
        return isUnchanged;
    }

    /// <summary>DueAttempts.TakeBackAsync</summary>
    public async Task TakeBackAsync(AttemptId attempt)
    {
        await scheduler.Step();
        database.Attempts[attempt].HandedOver--;
    }

    public async Task KeepAsync(Provider provider, Connectors.ProviderFact fact)
    {
        await scheduler.Step();
        database.Notices.TryAdd(fact.NoticeId, new NoticeRow(provider, fact, database.Now));
        await scheduler.Step();
    }

    public async Task<IReadOnlyList<NoticeRow>> TakeDueNoticesAsync()
    {
        await scheduler.Step();
        var due = database.Notices.Values.Where(n => n.DueAt <= database.Now).OrderBy(n => n.DueAt).ToList();
        foreach (var notice in due)
        {
            (notice.DueAt, notice.Tries) = (database.Now + NoticeLease, notice.Tries + 1);
        }

        return due;
    }

    public async Task MarkAsync(NoticeRow? notice, string verdict)
    {
        if (notice is not null)
        {
            await scheduler.Step();
            (notice.DueAt, notice.Verdict) = (null, verdict);
        }
    }

    public async Task PostponeAsync(NoticeRow notice, TimeSpan delay)
    {
        await scheduler.Step();
        notice.DueAt = notice.DueAt is null ? null : database.Now + delay;
    }

    public async Task RaiseAsync(PaymentId? payment, Incident incident)
    {
        await scheduler.Step();
        if (!database.Incidents.Exists(i => i.Payment == payment && i.Incident.Kind == incident.Kind && i.Incident.AttemptId == incident.AttemptId && i.Incident.Detail == incident.Detail))
        {
            database.Incidents.Add((payment, incident));
        }
    }

    private ScheduledAttempt Taken(ScheduledAttempt row)
    {
        (row.LeasedUntil, row.Fence, row.Readings) = (database.Now + Lease, row.Fence + 1, row.Readings + 1);
        return row;
    }
}
