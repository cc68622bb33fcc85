using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.IntegrationTests.Events;
using Payments.Ledger;
using Payments.Ledger.Books;
using Payments.Ledger.Controls;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

public sealed class CompletenessTests(EmbeddedServers servers)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_event_posted_before_with_another_content_is_a_conflict_and_a_difference()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var payment = new PaymentLife(LedgerDatabase.Ids, Noon);
        var authorized = payment.Of(PaymentEventTypes.Authorized, OperationKind.Authorize, OperationState.Succeeded, 5_000);
        var forged = authorized with { Data = authorized.Data with { Operation = authorized.Data.Operation! with { AmountMinor = 4_999 } } };
        await ledger.Books.PostAsync([JournalDraft.Of(forged, LogicalPartition.Of(payment.Payment), 1)!], Cancel);
        await ledger.Bed.WriteAsync(authorized);
        var report = await ledger.CompletenessAsync(c => LedgerService.Kinds(c).ToHashSet().IsSupersetOf(["posting_conflict", "journal_differs"]));
        Assert.False(report.GetProperty("complete").GetBoolean());
        Assert.Contains(report.GetProperty("findings").EnumerateArray(), f => f.GetProperty("subject").GetString() == authorized.Id.ToString());
        var ids = report.GetProperty("findings").EnumerateArray().ToDictionary(f => f.GetProperty("kind").GetString()!, f => f.GetProperty("id").GetInt64());
        Assert.Equal(HttpStatusCode.Conflict, (await CloseAsync(ledger, ids["journal_differs"], "no")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await CloseAsync(ledger, long.MaxValue, "no")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await CloseAsync(ledger, ids["posting_conflict"], "the books stand")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await CloseAsync(ledger, ids["posting_conflict"], "another reason")).Status);
        Assert.Equal("the books stand", await ledger.Books.ValueAsync<string>("SELECT close_reason FROM ledger.findings WHERE kind = 'posting_conflict' AND resolved_at IS NOT NULL", Cancel));
        Assert.Equal(["journal_differs"], LedgerService.Kinds(await ledger.GetAsync("/internal/v1/ops/completeness")));
        Assert.Equal(4_999, await ledger.Books.ValueAsync<long>("SELECT max(pending_credits) FROM ledger.balances", Cancel));
    }

    private static Task<(HttpStatusCode Status, JsonElement Body)> CloseAsync(LedgerService ledger, long finding, string reason) =>
        ledger.AskAsync(HttpMethod.Post, $"/internal/v1/ops/findings/{finding}/close", body: new { reason });

    [Fact]
    public async Task A_journal_that_no_event_caused_is_found()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var payment = new PaymentLife(LedgerDatabase.Ids, Noon);
        var invented = payment.Of(PaymentEventTypes.Authorized, OperationKind.Authorize, OperationState.Succeeded, 5_000);
        await ledger.Books.PostAsync([JournalDraft.Of(invented, LogicalPartition.Of(payment.Payment), 1)!], Cancel);
        await ledger.Bed.WriteAsync(payment.Of(PaymentEventTypes.Declined, OperationKind.Authorize, OperationState.Failed, 5_000));
        var report = await ledger.FindingAsync(Completeness.Unexpected);
        Assert.Contains(report.GetProperty("findings").EnumerateArray(), f => f.GetProperty("subject").GetString() == new JournalId(invented.Id.Value).ToString());
    }

    [Fact]
    public async Task An_event_that_cannot_be_posted_waits_as_a_dead_letter_and_is_a_finding_until_it_is_posted()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var payment = new PaymentLife(LedgerDatabase.Ids, Noon) { AmountCaptured = 5_000 };
        // A capture without its fees contradicts itself: the posting table refuses it.
        await ledger.Bed.WriteAsync(
            payment.Of(PaymentEventTypes.Captured, OperationKind.Capture, OperationState.Succeeded, 5_000),
            payment.Of(PaymentEventTypes.RefundPending, OperationKind.Refund, OperationState.Pending, 5_000));
        await ledger.LiveAsync(seed: 41, events: 40, mayHaveFindings: true);
        var report = await ledger.FindingAsync(Completeness.Parked);
        Assert.Equal(2, LedgerService.Kinds(report).Count(k => k == Completeness.Parked));
        Assert.Equal(2, (await ledger.ListAsync("/internal/v1/ops/dead_letters")).Count);
        Assert.Equal([Completeness.Parked], LedgerService.Kinds(report).Distinct());

        // Mended by hand where it waits, it is posted by a replay, and the findings go by themselves; the difference to the log stays.
        var letter = (await ledger.ListAsync("/internal/v1/ops/dead_letters"))[0].GetProperty("id").GetString();
        await ledger.Books.ExecuteAsync("""
            UPDATE dead_letters SET data = convert_to(replace(convert_from(data, 'UTF8'), '"fees":null', '"fees":{"plan_version":1,"commission_minor":175,"provider_cost_minor":90}'), 'UTF8')
            WHERE type = 'payment.captured'
            """, Cancel);
        var (status, replay) = await ledger.AskAsync(HttpMethod.Post, $"/internal/v1/ops/dead_letters/{letter}/replay");
        Assert.True(status == System.Net.HttpStatusCode.OK, replay.ToString());
        await ledger.CompletenessAsync(c => !LedgerService.Kinds(c).Contains(Completeness.Parked));
        Assert.Equal(5_000 - 175, await ledger.Books.ValueAsync<long>(
            "SELECT b.credits - b.debits FROM ledger.balances b JOIN ledger.accounts a ON a.id = b.account_id WHERE a.owner = $1 AND a.kind = 'merchant_pending'", Cancel, payment.Merchant.ToString()));
    }

    [Fact]
    public async Task A_payment_that_says_something_else_than_the_books_is_found()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        var payment = new PaymentLife(LedgerDatabase.Ids, Noon) { AmountCaptured = 4_000 };
        await ledger.Bed.WriteAsync(payment.Of(PaymentEventTypes.Captured, OperationKind.Capture, OperationState.Succeeded, 5_000, new(1, 175, 90)));
        var report = await ledger.FindingAsync(Completeness.Totals);
        var finding = report.GetProperty("findings").EnumerateArray().Single(f => f.GetProperty("kind").GetString() == Completeness.Totals);
        Assert.Equal(payment.Payment.ToString(), finding.GetProperty("subject").GetString());
        Assert.Contains("4000 captured", finding.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_that_does_not_move_while_the_publisher_does_is_behind_and_another_log_is_an_alarm()
    {
        await using var books = await LedgerDatabase.CreateAsync(servers, Cancel);
        await using var published = await servers.DatabaseAsync(Cancel, Plumbing.Outbox);
        var time = new SettableTime(Noon);
        var completeness = new Completeness(books.Writer, new OutboxReader(published), time, new LedgerOptions { LagSeconds = 60 });
        var payment = new PaymentLife(LedgerDatabase.Ids, Noon);
        var partition = LogicalPartition.Of(payment.Payment);
        await published.AppendAsync(Cancel, payment.Of(PaymentEventTypes.Authorized, OperationKind.Authorize, OperationState.Succeeded, 5_000));

        Assert.Empty(await completeness.ExamineProgressAsync(Cancel));
        time.Now += TimeSpan.FromSeconds(59);
        Assert.Empty(await completeness.ExamineProgressAsync(Cancel));
        time.Now += TimeSpan.FromSeconds(2);
        var behind = Assert.Single(await completeness.ExamineProgressAsync(Cancel));
        Assert.Equal((Completeness.Behind, $"partition {partition}"), (behind.Kind, behind.Subject));

        // A checkpoint without its journal: what a lost posting would look like.
        await books.ExecuteAsync($"INSERT INTO checkpoints (consumer, publisher, epoch, partition, seq) SELECT 'ledger', 'api', '{await published.ScalarAsync<Guid>("SELECT epoch FROM outbox_heads LIMIT 1", Cancel)}', {partition}, 1", Cancel);
        Assert.Empty(await completeness.ExamineProgressAsync(Cancel));
        var missing = Assert.Single((await completeness.ExamineNextAsync(partition, Cancel))!, f => f.Kind == Completeness.Missing);
        Assert.Null(await completeness.ExamineNextAsync(partition, Cancel));
        var recorded = new RecordedFinding(1, missing.Kind, missing.Subject, missing.Detail, missing.Reference, Noon, Noon);
        Assert.Contains(await completeness.ExamineAgainAsync(recorded, Cancel), f => f.Kind == Completeness.Missing);

        await books.ExecuteAsync($"UPDATE checkpoints SET epoch = '{Guid.Empty}'", Cancel);
        Assert.Equal(Completeness.OtherLog, Assert.Single(await completeness.ExamineProgressAsync(Cancel)).Kind);
    }

    private sealed class SettableTime(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
