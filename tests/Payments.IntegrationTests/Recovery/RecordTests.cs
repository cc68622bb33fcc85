using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Payments.IntegrationTests.Reviews;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

public sealed class RecordTests(EmbeddedServers servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_recovery_is_written_with_its_effect_once_and_for_ever()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var change = database.Opened(database.Ids.New<MerchantId>(), "k");
        var recovered = Recovered.Of(database.Ids.New<RecoveryId>(), "test_kind", "subject-1", "test", "why", change.After, change.After, change.After.Authorization!.Id);
        await database.Writer.WriteAsync(change with { Recoveries = [recovered] });
        using var log = new RecordedLogs();
        using var loggers = new LoggerFactory([log]);
        var recoveries = new Recoveries(database.Source, loggers.CreateLogger<Recoveries>());
        var counted = new ConcurrentQueue<string>();
        using var listener = Metric.Follow("payments.recoveries", counted, "payments.recovery", "payments.outcome");

        var again = await recoveries.RecordAsync(recovered with { Id = database.Ids.New<RecoveryId>(), Reason = "again" }, Token);
        var other = await recoveries.RecordAsync(recovered with { Id = database.Ids.New<RecoveryId>(), Subject = "subject-2", PaymentId = null }, Token);

        Assert.Equal((false, true), (again, other));
        Assert.Equal("test_kind done", Assert.Single(counted, c => c.StartsWith("test_kind ", StringComparison.Ordinal)));
        Assert.Equal("Recovered: test_kind of subject-2 by test. why", log.Text.Trim());
        var found = Assert.Single(await recoveries.ListAsync(change.After.Id, null, null, 10, Token));
        Assert.Equal(("why", "authorizing", "open"), (found.Recovered.Reason, found.Recovered.Before.GetProperty("status").GetString(), found.Recovered.After.GetProperty("operation_state").GetString()));
        Assert.Equal((change.After.MerchantId, change.After.Id), (found.Recovered.MerchantId, found.Recovered.PaymentId));
        Assert.Equal(2, (await recoveries.ListAsync(null, "test_kind", null, 10, Token)).Count);
        foreach (var sql in new[] { "UPDATE recoveries SET reason = 'other'", "DELETE FROM recoveries", "TRUNCATE recoveries" })
        {
            Assert.Equal("23001", (await Assert.ThrowsAsync<PostgresException>(() => database.RunAsync(sql, Token))).SqlState);
        }
    }

    [Fact]
    public async Task A_change_that_loses_its_race_leaves_no_record()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var payment = await database.CapturedAsync(database.Ids.New<MerchantId>(), "k");
        var opened = Opening.Refund(payment, null, new ProviderLimits(true, true, true), database.New()).Payment!;
        await database.Writer.WriteAsync(Changes.Between(payment, opened, []));
        var late = Opening.Refund(payment, 100, new ProviderLimits(true, true, true), database.New()).Payment!;
        var recovered = Recovered.Of(database.Ids.New<RecoveryId>(), "test_kind", "late", "test", "why", payment, late);

        var verdict = await database.Writer.WriteAsync(Changes.Between(payment, late, []) with { Recoveries = [recovered] });

        Assert.Equal(Verdict.Conflict, verdict);
        Assert.Equal(0, await database.CountAsync("SELECT count(*) FROM recoveries", Token));
    }

    [Fact]
    public async Task Who_was_overtaken_by_another_taker_of_the_attempt_writes_nothing()
    {
        await using var database = await FlowDatabase.CreateAsync(servers, Token);
        var change = database.Opened(database.Ids.New<MerchantId>(), "k");
        await database.Writer.WriteAsync(change);
        var due = new DueAttempts(database.Source);
        await database.RunAsync("UPDATE attempts SET due_at = now()", Token);
        var first = Assert.Single(await due.TakeAsync(Provider.Stripe, 10, Token));
        Assert.Empty(await due.TakeAsync(Provider.Stripe, 10, Token));
        await database.RunAsync("UPDATE attempts SET leased_until = now() - interval '1 second'", Token);
        var second = Assert.Single(await due.TakeAsync(Provider.Stripe, 10, Token));

        var late = await WriteAsync(database, change.After, FactOutcome.NotProcessed, first);
        var held = await WriteAsync(database, change.After, FactOutcome.Succeeded, second);

        Assert.Equal((Verdict.Fenced, Verdict.Committed), (late, held));
        var stored = await database.Store.FindAsync(PaymentKey.Of(change.After), Token);
        Assert.Equal(OperationState.Succeeded, stored!.Authorization!.State);
        Assert.Equal(1, await database.CountAsync("SELECT count(*) FROM holds", Token));
    }

    private static Task<Verdict> WriteAsync(FlowDatabase database, PaymentState payment, FactOutcome outcome, DueAttempt taken)
    {
        var fact = new Fact(OperationKind.Authorize, outcome, Provider.Stripe, database.Ids.New<OperationId>(), FlowDatabase.Now()) { AttemptId = taken.AttemptId };
        var applied = (Application.Applied)Applying.Apply(payment, fact);
        return database.Writer.WriteAsync(Changes.Between(payment, applied.Payment, applied.Happenings) with { Held = new HeldAttempt(taken.AttemptId, taken.Fence) });
    }
}
