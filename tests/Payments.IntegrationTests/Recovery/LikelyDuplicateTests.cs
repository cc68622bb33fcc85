using Microsoft.Extensions.Logging.Abstractions;
using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Payments.IntegrationTests.Simulators;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

public sealed class LikelyDuplicateTests(EmbeddedServers servers)
{
    private static readonly TimeSpan Now = TimeSpan.Zero;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Likeness_is_raised_once_for_a_person_and_touches_no_money()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        var shop = flow.Ids.New<MerchantId>();
        var other = flow.Ids.New<MerchantId>();
        var first = await MadeAsync(flow, shop, "first", TimeSpan.FromMinutes(9));
        var second = await MadeAsync(flow, shop, "second", Now);
        var sameOrder = await MadeAsync(flow, shop, "third", Now, card: "another", order: "first", amount: 77);
        await MadeAsync(flow, other, "elsewhere", Now);
        await MadeAsync(flow, shop, "another amount", Now, amount: 10_001);
        await MadeAsync(flow, shop, "another card", Now, card: "yet another");
        await MadeAsync(flow, shop, "given up", Now, outcome: FactOutcome.Declined);
        var books = await flow.CountAsync("SELECT sum(version)::bigint FROM payments", Token);

        Assert.Equal(2, await LookAsync(flow));
        Assert.Equal(0, await LookAsync(flow));

        Assert.Equal(1, await RaisedAsync(flow, second, $"Holds or took money like {first}: the same card, amount and currency within minutes."));
        Assert.Equal(1, await RaisedAsync(flow, sameOrder, $"Holds or took money like {first}: the same order."));
        Assert.Equal(books, await flow.CountAsync("SELECT sum(version)::bigint FROM payments", Token));

        // Somebody has looked and closed it: that was it.
        await flow.RunAsync("UPDATE incidents SET closed_at = now(), closed_by = 'ann', close_reason = 'two parcels'", Token);
        Assert.Equal(0, await LookAsync(flow));
    }

    [Fact]
    public async Task What_was_bought_again_later_or_was_given_back_is_not_alike()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        var shop = flow.Ids.New<MerchantId>();
        await MadeAsync(flow, shop, "first", TimeSpan.FromMinutes(11));
        await MadeAsync(flow, shop, "second", Now);
        Assert.Equal(0, await LookAsync(flow));

        // Of one order, and the first has been given back.
        var returned = await flow.CapturedAsync(shop, "returned");
        var refund = Opening.Refund(returned, null, FlowDatabase.Everything, flow.New()).Payment!;
        Assert.Equal(Verdict.Committed, await flow.Writer.WriteAsync(Changes.Between(returned, refund, [])));
        await flow.TellAsync(refund, OperationKind.Refund, FactOutcome.Succeeded);
        await flow.CapturedAsync(shop, "bought again");
        Assert.Equal(0, await LookAsync(flow));

        await flow.CapturedAsync(shop, "and again");
        Assert.Equal(1, await LookAsync(flow));
    }

    [Fact]
    public async Task What_was_settled_late_is_alike_to_what_was_paid_instead_meanwhile()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        var shop = flow.Ids.New<MerchantId>();
        // Nobody knew whether these had been paid, and the customers paid again.
        var sameCard = await OpenedAsync(flow, shop, "unknown", TimeSpan.FromMinutes(45));
        var sameOrder = await OpenedAsync(flow, shop, "order", TimeSpan.FromHours(20), card: "one");
        var tooFar = await OpenedAsync(flow, shop, "too far", TimeSpan.FromMinutes(90));
        var paidAgain = await MadeAsync(flow, shop, "again", TimeSpan.FromMinutes(40));
        var orderedAgain = await MadeAsync(flow, shop, "order again", TimeSpan.FromHours(10), card: "other", order: "order", amount: 77);
        Assert.Equal(0, await LookAsync(flow));

        foreach (var late in new[] { sameCard, sameOrder, tooFar })
        {
            await flow.TellAsync(late, OperationKind.Authorize, FactOutcome.Succeeded);
        }

        Assert.Equal(2, await LookAsync(flow));
        Assert.Equal(0, await LookAsync(flow));
        Assert.Equal(1, await RaisedAsync(flow, paidAgain, $"Holds or took money like {sameCard.Id}: the same card, amount and currency within minutes."));
        Assert.Equal(1, await RaisedAsync(flow, orderedAgain, $"Holds or took money like {sameOrder.Id}: the same order."));
    }

    [Fact]
    public async Task A_watch_looks_at_what_was_settled_since_it_looked_and_finds_the_earlier_of_a_pair_that_was_settled_after_the_later()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        var shop = flow.Ids.New<MerchantId>();
        var watch = Watch(flow);
        var slow = await OpenedAsync(flow, shop, "in a challenge", TimeSpan.FromMinutes(5));
        var quick = await MadeAsync(flow, shop, "without one", Now);
        await MadeAsync(flow, shop, "order", Now, card: "one");
        Assert.Equal(0, await watch.LookAsync(Token));

        await flow.TellAsync(slow, OperationKind.Authorize, FactOutcome.Succeeded);
        Assert.Equal(1, await watch.LookAsync(Token));
        Assert.Equal(1, await RaisedAsync(flow, quick, $"Holds or took money like {slow.Id}: the same card, amount and currency within minutes."));

        // A pair that was settled before the last look is for who has not looked yet.
        await MadeAsync(flow, shop, "order again", Now, card: "another", order: "order", amount: 77);
        await flow.RunAsync("UPDATE payments SET authorized_at = now() - interval '10 minutes'", Token);
        Assert.Equal(0, await watch.LookAsync(Token));
        Assert.Equal(1, await Watch(flow).LookAsync(Token));
    }

    [Fact]
    public async Task More_pairs_than_can_be_told_at_once_are_told_by_and_by()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        var shop = flow.Ids.New<MerchantId>();
        var watch = Watch(flow);
        for (var n = 0; n <= 200; n++)
        {
            await MadeAsync(flow, shop, $"part {n}", Now);
        }

        // They stay to be found, however long ago they were settled, for as long as a process looks back.
        await flow.RunAsync("UPDATE payments SET authorized_at = now() - interval '10 minutes'", Token);
        await MadeAsync(flow, shop, "the last part", Now);
        Assert.Equal(200, await watch.LookAsync(Token));
        Assert.Equal(1, await watch.LookAsync(Token));
        Assert.Equal(0, await watch.LookAsync(Token));
    }

    private static Task<int> LookAsync(FlowDatabase flow) => Watch(flow).LookAsync(Token);

    private static LikelyDuplicates Watch(FlowDatabase flow) =>
        new(flow.Source, new NoticeStore(flow.Source, flow.Ids, TimeProvider.System), flow.Ids, NullLogger<LikelyDuplicates>.Instance);

    private static Task<long> RaisedAsync(FlowDatabase flow, PaymentId payment, string detail) =>
        flow.CountAsync($"SELECT count(*) FROM incidents WHERE kind = 'likely_duplicate' AND payment_id = '{payment.Value}' AND detail = '{detail}' AND closed_at IS NULL", Token);

    private static async Task<PaymentId> MadeAsync(
        FlowDatabase flow, MerchantId merchant, string key, TimeSpan age, string card = "card", string? order = null, long amount = 10_000, FactOutcome outcome = FactOutcome.Succeeded) =>
        (await flow.TellAsync(await OpenedAsync(flow, merchant, key, age, card, order, amount), OperationKind.Authorize, outcome)).Id;

    private static async Task<PaymentState> OpenedAsync(
        FlowDatabase flow, MerchantId merchant, string key, TimeSpan age, string card = "card", string? order = null, long amount = 10_000)
    {
        var opened = flow.Opened(merchant, key, amount);
        var payment = opened.After with
        {
            Id = new IdSource(new MovedClock { Ahead = -age }).New<PaymentId>(),
            Details = opened.After.Details with { OrderId = order ?? key, CardFingerprint = card },
        };
        Assert.Equal(Verdict.Committed, await flow.Writer.WriteAsync(opened with { After = payment }));
        return payment;
    }
}
