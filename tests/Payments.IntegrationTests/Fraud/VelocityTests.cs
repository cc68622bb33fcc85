using Microsoft.Extensions.DependencyInjection;
using Payments.Core;
using Payments.Core.Events;
using Payments.Core.Seams;
using Payments.Fraud.Scoring;
using Payments.Fraud.Velocity;
using Payments.IntegrationTests.Events;
using Payments.IntegrationTests.Fire;
using Payments.Platform.Inbox;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

/// <summary>Attempts are counted once each and exactly, with Redis, without it, and after it was lost.</summary>
public sealed class VelocityTests(EmbeddedServers servers) : IAsyncLifetime
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private FraudHost fraud = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        fraud = await FraudHost.StartAsync(servers);
        await fraud.ActivateAsync("card.attempts_5m > 3", "reject", "three_tries");
        await TrustedAsync();
    }

    public ValueTask DisposeAsync() => fraud.DisposeAsync();

    [Fact]
    public async Task Of_fifty_attempts_at_once_exactly_three_pass()
    {
        var decisions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => fraud.ScoreAsync(FraudHost.Question()), Cancel)));

        Assert.Equal((3, 47), (decisions.Count(d => d.Verdict == FraudVerdict.Approve), decisions.Count(d => d.Verdict == FraudVerdict.Reject)));
        Assert.All(decisions.Where(d => d.Verdict == FraudVerdict.Reject), d => Assert.Equal(["three_tries"], d.Factors));
        Assert.Equal(50L, await fraud.QueryAsync<long>("SELECT count(*) FROM attempts WHERE in_redis"));
    }

    [Fact]
    public async Task Without_Redis_the_database_lets_at_most_three_of_fifty_pass_and_says_so()
    {
        await fraud.Redis.KillAsync();

        var decisions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => fraud.ScoreAsync(FraudHost.Question()), Cancel)));

        Assert.InRange(decisions.Count(d => d.Verdict == FraudVerdict.Approve), 0, 3);
        Assert.All(decisions, d => Assert.Contains(FraudScorer.FromDatabase, d.Factors));
        Assert.Equal(50L, await fraud.QueryAsync<long>("SELECT count(*) FROM decisions WHERE without = ARRAY['velocity_from_database']"));

        await fraud.Redis.StartAsync(Cancel);
        await TrustedAsync();
        Assert.Equal(0L, await fraud.QueryAsync<long>("SELECT count(*) FROM attempts WHERE NOT in_redis"));
        Assert.Equal("Reject three_tries", Show(await fraud.ScoreAsync(FraudHost.Question())));
        Assert.Equal("Approve ", Show(await fraud.ScoreAsync(FraudHost.Question("b"))));
    }

    [Fact]
    public async Task What_Redis_counted_too_late_to_answer_counts_once()
    {
        await using var hasty = await FraudHost.StartAsync(servers, redisLimit: 200);
        await hasty.ActivateAsync("card.attempts_5m > 3", "reject", "three_tries");
        await TrustedAsync(hasty);

        // The script waits in the socket of a server that stands still, and runs when it goes on.
        hasty.Redis.Pause();
        Assert.Equal([FraudScorer.FromDatabase], (await hasty.ScoreAsync(FraudHost.Question())).Factors);
        hasty.Redis.Resume();

        await TrustedAsync(hasty);
        Assert.Equal(0L, await hasty.QueryAsync<long>("SELECT count(*) FROM attempts WHERE NOT in_redis"));
        Assert.Equal(["Approve ", "Approve ", "Reject three_tries"], [await NextAsync(), await NextAsync(), await NextAsync()]);

        async Task<string> NextAsync() => Show(await hasty.ScoreAsync(FraudHost.Question()));
    }

    [Fact]
    public async Task What_the_database_has_begun_to_count_is_counted_though_whoever_asked_has_gone()
    {
        await fraud.Redis.KillAsync();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using (var connection = await fraud.Database.OpenConnectionAsync(Cancel))
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await using var hold = new Npgsql.NpgsqlCommand("LOCK attempts IN EXCLUSIVE MODE", connection, transaction);
            await hold.ExecuteNonQueryAsync(Cancel);
            var asked = fraud.Scorer.ScoreAsync(FraudHost.Question(), patience.Token);
            await WaitingAsync();

            await patience.CancelAsync();
            await Task.Delay(200, Cancel);
            await WaitingAsync();
            await transaction.RollbackAsync(Cancel);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        }

        Assert.Equal(1L, await fraud.QueryAsync<long>("SELECT count(*) FROM attempts"));

        Task WaitingAsync() => Eventually.BecomesTrueAsync(
            "the attempt waits", async () => await fraud.QueryAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'attempts'::regclass") == 1 ? null : "nobody waits", Cancel);
    }

    [Fact]
    public async Task Repetitions_and_races_of_one_request_count_once()
    {
        var question = FraudHost.Question();
        var decisions = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => fraud.ScoreAsync(i % 2 == 0 ? question : question with { PaymentId = Ids.New<PaymentId>() })));

        Assert.All(decisions, d => Assert.Equal(FraudVerdict.Approve, d.Verdict));
        Assert.Equal(1L, await fraud.QueryAsync<long>("SELECT count(*) FROM attempts"));
        Assert.Equal(["Approve ", "Approve ", "Reject three_tries"], [await NextAsync(), await NextAsync(), await NextAsync()]);

        async Task<string> NextAsync() => Show(await fraud.ScoreAsync(FraudHost.Question()));
    }

    [Fact]
    public async Task The_counters_are_back_after_Redis_was_emptied()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("Approve ", Show(await fraud.ScoreAsync(FraudHost.Question())));
        }

        await fraud.Redis.FlushAsync(Cancel);

        // Whether the database counts or Redis does again: the fourth is the fourth.
        Assert.Equal("Reject", (await fraud.ScoreAsync(FraudHost.Question())).Verdict.ToString());
        await TrustedAsync();
        Assert.Equal("Reject three_tries", Show(await fraud.ScoreAsync(FraudHost.Question())));
    }

    [Fact]
    public async Task Signals_are_forgotten_after_two_years()
    {
        var (old, young) = (FraudHost.Question("old"), FraudHost.Question("young"));
        foreach (var question in new[] { old, young })
        {
            await fraud.ScoreAsync(question);
            await LabelAsync(question);
        }

        await using (var age = fraud.Database.CreateCommand($"""
            UPDATE attempts SET at = at - interval '731 days' WHERE payment_id = '{old.PaymentId.Value}';
            UPDATE outcomes SET at = at - interval '731 days' WHERE payment_id = '{old.PaymentId.Value}';
            UPDATE labels SET known_at = known_at - interval '731 days' WHERE payment_id = '{old.PaymentId.Value}';
            UPDATE decisions SET decided_at = decided_at - interval '731 days' WHERE payment_id = '{old.PaymentId.Value}'
            """))
        {
            Assert.Equal(4, await age.ExecuteNonQueryAsync(Cancel));
        }

        await fraud.Services.GetRequiredService<Payments.Fraud.Retention>().RoundAsync(Cancel);

        foreach (var table in new[] { "attempts", "outcomes", "labels", "decisions" })
        {
            Assert.Equal(young.PaymentId.Value, await fraud.QueryAsync<Guid>($"SELECT payment_id FROM {table}"));
            Assert.Equal(1L, await fraud.QueryAsync<long>($"SELECT count(*) FROM {table}"));
        }
    }

    [Fact]
    public async Task Outcomes_of_the_stream_count_once_and_tell_what_is_usual()
    {
        var question = FraudHost.Question() with { Context = new RiskContext(Ip: "192.0.2.1", Email: "ada@example.com") };
        await fraud.ScoreAsync(question);
        var approved = Event(question, PaymentEventTypes.Authorized);
        await ApplyAsync(approved, Event(question, PaymentEventTypes.Captured), Event(question, PaymentEventTypes.Refunded));
        await ApplyAsync(approved);
        await LabelAsync(question);
        await Eventually.BecomesTrueAsync("Redis is told", async () => await fraud.QueryAsync<long>("SELECT count(*) FROM outcomes_to_tell") is > 0 and var left ? $"{left} to go" : null, Cancel);

        var again = question with { PaymentId = Ids.New<PaymentId>(), RequestHash = "another" };
        await fraud.ScoreAsync(again);

        var counted = VelocityReading.Unpack(await fraud.QueryAsync<byte[]>($"SELECT counters FROM decisions WHERE payment_id = '{again.PaymentId.Value}'"));
        foreach (var (name, count) in new[]
        {
            ("card.attempts_5m", 2), ("card.approvals_1h", 1), ("card.refunds_24h", 1), ("card.chargebacks_30d", 1), ("card.declines_30d", 0), ("card.merchants_1h", 1),
            ("ip.attempts_5m", 2), ("ip.cards_1h", 1), ("email.approvals_7d", 1), ("merchant.attempts_5m", 2), ("merchant.approvals_30d", 1), ("card_merchant.approvals_30d", 1),
        })
        {
            Assert.True(counted[VelocityCounter.Find(name)!] == count, $"{name} is {counted[VelocityCounter.Find(name)!]} instead of {count}");
        }

        Assert.Equal("1 5000 25000000", await fraud.QueryAsync<string>("SELECT concat_ws(' ', payments, total, squares) FROM merchant_amounts"));
        Assert.Equal(1L, await fraud.QueryAsync<long>("SELECT count(*) FROM purchases"));
    }

    [Fact]
    public async Task Nothing_in_Redis_or_the_database_names_a_person()
    {
        await fraud.ScoreAsync(FraudHost.Question() with { CustomerReference = "cus-zoe", Context = new RiskContext(Ip: "192.0.2.77", DeviceId: "device-zoe", Email: "zoe@example.com") });
        var kept = await fraud.QueryAsync<string>("SELECT string_agg(d::text, '') || (SELECT string_agg(a::text, '') FROM attempts AS a) FROM decisions AS d");
        Assert.All(new[] { "zoe", "192.0.2.77", "example.com" }, secret => Assert.DoesNotContain(secret, kept, StringComparison.Ordinal));
    }

    private static ReceivedEvent Event(FraudRequest of, string type)
    {
        var sample = EventSamples.OfEveryType().First(e => e.Type == type);
        var payment = sample.Data.Payment with { Amount = of.AmountMinor, Currency = of.Currency };
        return new ReceivedEvent(sample with { Id = Ids.New<EventId>(), PaymentId = of.PaymentId, MerchantId = of.MerchantId, Mode = of.Mode, OccurredAt = TimeProvider.System.GetUtcNow(), Data = sample.Data with { Payment = payment } }, 0, 1, null);
    }

    private async Task ApplyAsync(params ReceivedEvent[] events)
    {
        await using var connection = await fraud.Database.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await fraud.Services.GetRequiredService<PaymentOutcomes>().ApplyAsync(connection, transaction, events, Cancel);
        await transaction.CommitAsync(Cancel);
    }

    private async Task LabelAsync(FraudRequest of)
    {
        await using var command = fraud.Database.CreateCommand(
            $"INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at) VALUES ('test', '{of.MerchantId.Value}', '{of.PaymentId.Value}', true, 'chargeback', now())");
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private Task TrustedAsync() => TrustedAsync(fraud);

    private static Task TrustedAsync(FraudHost host) => Eventually.BecomesTrueAsync(
        "Redis counts", () => Task.FromResult(host.Services.GetRequiredService<VelocityCounters>().Trusted ? null : "not yet"), Cancel);

    private static string Show(FraudDecision decision) => $"{decision.Verdict} {string.Join(',', decision.Factors.Where(f => f != FraudScorer.FromDatabase))}";
}
