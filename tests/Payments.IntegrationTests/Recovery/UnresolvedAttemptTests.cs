using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>After how long a person is told, with the product's own times. What is told, and that it closes itself: <see cref="UnknownOutcomeTests"/>.</summary>
public sealed class UnresolvedAttemptTests(EmbeddedServers servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly (string State, string Since, string Age, bool Raised)[] Rows =
    [
        ("open", "opened_at", "12 minutes", false),
        ("open", "opened_at", "15 minutes 1 second", true),
        ("unknown", "opened_at", "12 minutes", false),
        ("unknown", "opened_at", "15 minutes 1 second", true),
        ("pending", "opened_at", "5 hours 57 minutes", false),
        ("pending", "opened_at", "6 hours 1 second", true),
        ("needs_action", "opened_at", "42 minutes", false),
        ("needs_action", "opened_at", "45 minutes 1 second", true),
        ("scheduled", "opened_at", "2 days", false),
        ("scheduled", "due_at", "12 minutes", false),
        ("scheduled", "due_at", "15 minutes 1 second", true),
    ];

    [Fact]
    public async Task An_attempt_is_raised_once_when_it_is_as_old_as_this()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        var merchant = flow.Ids.New<MerchantId>();
        var made = new Dictionary<AttemptId, (string State, string Since, string Age, bool Raised)>();
        foreach (var row in Rows)
        {
            var payment = await flow.CapturedAsync(merchant, $"{made.Count}");
            var refund = Opening.Refund(payment, null, FlowDatabase.Everything, flow.New()).Payment!;
            Assert.Equal(Verdict.Committed, await flow.Writer.WriteAsync(Changes.Between(payment, refund, [])));
            var attempt = refund.Operations[^1].Current!.Id;
            await flow.RunAsync($"UPDATE attempts SET state = '{row.State}', {row.Since} = now() - interval '{row.Age}' WHERE id = '{attempt.Value}'", Token);
            made.Add(attempt, row);
        }

        Assert.Equal(Rows.Count(r => r.Raised), await RaiseAsync(flow));
        Assert.Equal(0, await RaiseAsync(flow));
        foreach (var (attempt, row) in made)
        {
            var raised = await flow.CountAsync($"SELECT count(*) FROM incidents WHERE kind = 'attempt_unresolved' AND attempt_id = '{attempt.Value}' AND closed_at IS NULL", Token);
            Assert.True(raised == (row.Raised ? 1 : 0), $"{row}: {raised}");
        }
    }

    private static Task<int> RaiseAsync(FlowDatabase flow) =>
        new UnresolvedAttempts(flow.Source, flow.Ids, Options.Create(new FlowOptions()), NullLogger<UnresolvedAttempts>.Instance).RaiseOverdueAsync(Token);
}
