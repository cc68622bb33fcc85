using System.Text.Json;
using Payments.Core;
using Payments.Simulation.Engine;
using Payments.Simulation.World;

namespace Payments.Simulation.Oracle;

/// <summary>
/// Says what is wrong with a run that has come to rest. It decides nothing with the product's code: it knows the providers' books, what
/// merchants sent and were told, and reads payments, events and journals as anybody outside could.
/// </summary>
internal sealed class Judge
{
    private readonly Run run;
    private readonly List<Charge> charges;
    private readonly List<string> violations = [];

    private Judge(Run run) => (this.run, charges) = (run, [.. run.Charges]);

    /// <summary>One sentence for each promise that was broken.</summary>
    public static IReadOnlyList<string> Violations(Run run)
    {
        var judge = new Judge(run);
        judge.AtRest();
        if (judge.violations.Count == 0)
        {
            judge.CallsForPeople();
            judge.Keys();
            judge.violations.AddRange(Telling.Violations(run, judge.charges));
            judge.violations.AddRange(Money.Violations(run, judge.charges));
            judge.Consumers();
        }

        return judge.violations;
    }

    /// <summary>No attempt, request or notice is left open, and nobody failed.</summary>
    private void AtRest()
    {
        Check(!run.NeverRests, "it never comes to rest");
        foreach (var failure in run.Failures)
        {
            Check(false, $"a process failed: {failure.GetType().Name}: {failure.Message} {failure.StackTrace?.Split('\n').FirstOrDefault()?.Trim()}");
        }

        foreach (var payment in run.Database.Payments.Values)
        {
            using var seen = Seen.Payment(payment);
            var status = seen.RootElement.GetProperty("status").GetString();
            Check(
                status is not ("created" or "authorizing" or "processing" or "pending_3ds" or "capturing" or "voiding" or "refunding"),
                $"payment {payment.Id} is left {status}");
        }

        foreach (var (key, request) in run.Database.Requests)
        {
            Check(request.Body is not null, $"the request of {key.Text} is left without an answer");
        }

        foreach (var (id, notice) in run.Database.Notices)
        {
            Check(notice.DueAt is null, $"notice {id} is left unapplied");
        }
    }

    /// <summary>Nobody is woken for what the product can settle by itself.</summary>
    private void CallsForPeople()
    {
        foreach (var (payment, incident) in run.Database.Incidents)
        {
            // Which came first, the success or the failure of a former try, is not known once another is under way: a person looks.
            var mayBeReordered = incident.Kind == "contradiction" && payment is { } id && run.ToldLateOfRefund.Contains(id)
                && charges.Exists(c => c.Payment == id && c.Movements.Exists(m => m is { Kind: OperationKind.Refund, State: MovementState.TakenBack }));
            Check(run.HadDashboard || mayBeReordered, $"a person is called although nobody but us moved money: {incident.Kind}, {incident.Detail}");
        }
    }

    /// <summary>One idempotency key → at most one charge, one capture, one refund, one cancellation.</summary>
    private void Keys()
    {
        foreach (var held in charges.Where(c => c.WasHeld && c.OrderedBy is not null).GroupBy(c => c.OrderedBy))
        {
            Check(held.Count() == 1, $"{held.Key} was charged {held.Count()} times");
        }

        var moved = charges.SelectMany(c => c.Movements.Where(m => m.Attempt is not null && m.OrderedBy is not null && m.OrderedBy != c.OrderedBy && HasMoved(m)));
        foreach (var ordered in moved.GroupBy(m => (m.OrderedBy, m.Kind)))
        {
            // A refund is tried again, but only once the try before it has come back.
            var tries = ordered.OrderBy(m => m.MadeAt).ToList();
            Check(
                ordered.Key.Kind == OperationKind.Refund ? tries.Zip(tries.Skip(1)).All(t => t.First.TakenBackAt <= t.Second.MadeAt) : tries.Count == 1,
                $"{ordered.Key.OrderedBy} led to {tries.Count} movements of kind {ordered.Key.Kind}: {string.Join(", ", tries)}");
        }
    }

    /// <summary>The log has no gaps, and each consumer applied all of it, once and in order.</summary>
    private void Consumers()
    {
        var log = run.Database.Log;
        foreach (var partition in log.GroupBy(r => r.Partition))
        {
            Check(partition.Select(r => r.Sequence).SequenceEqual(Enumerable.Range(1, partition.Count()).Select(n => (long)n)), $"partition {partition.Key} of the log has a gap");
        }

        foreach (var payment in log.GroupBy(r => r.Event.PaymentId))
        {
            var versions = payment.Select(r => r.Event.Version).ToList();
            Check(versions.Zip(versions.Skip(1)).All(v => v.First < v.Second), $"versions of {payment.Key} in the log: {string.Join(", ", versions)}");
        }

        foreach (var consumer in run.Consumers)
        {
            Check(consumer.HaltedBecause is null, $"a consumer halted: {consumer.HaltedBecause}");
            foreach (var payment in log.GroupBy(r => r.Event.PaymentId))
            {
                var applied = consumer.Applied.Where(r => r.Event.PaymentId == payment.Key).Select(r => r.Event.Version).ToList();
                Check(
                    applied.SequenceEqual(payment.Select(r => r.Event.Version)),
                    $"a consumer applied versions {string.Join(", ", applied)} of {payment.Key}, the log has {string.Join(", ", payment.Select(r => r.Event.Version))}");
            }
        }
    }

    internal static bool HasMoved(Movement movement) => movement.State is MovementState.Done or MovementState.TakenBack;

    private void Check(bool holds, string otherwise)
    {
        if (!holds)
        {
            violations.Add(otherwise);
        }
    }
}

/// <summary>What anybody reads of a payment.</summary>
internal static class Seen
{
    public static JsonDocument Payment(PaymentState payment) => JsonDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(payment.View(), Json.Options));

    public static long Number(this JsonDocument json, string name) => json.RootElement.GetProperty(name).GetInt64();

    public static string Text(this JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString()!;
}
