using Microsoft.Extensions.DependencyInjection;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

[Collection(RecoveryProduct.Name)]
public sealed class KnownNoticeTests(RecoveryProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_notice_that_tells_what_this_process_just_committed_is_kept_as_settled_while_that_stands()
    {
        var api = product.Host.ServicesOf(Names.Services.Api);
        var reading = api.GetRequiredService<NoticeReading>();
        var paid = await product.Stripe.PayAsync(Token);
        var reference = paid.Json.GetProperty("provider_reference").GetString()!;

        Assert.False(await KeepAsync("known", ProviderFactKind.AuthorizationApproved));
        Assert.Equal("known 0", await StandAsync("known"));
        Assert.False(await KeepAsync("other", ProviderFactKind.Other));
        Assert.Equal("ignored 0", await StandAsync("other"));

        // Another process changes the payment: what this one remembers of it decides nothing, and the worker looks at the payment itself.
        await product.RunAsync("UPDATE payments SET version = version + 1 WHERE id = $1", paid.Id, Token);
        Assert.True(await KeepAsync("later", ProviderFactKind.AuthorizationApproved));
        await product.RunAsync("UPDATE payments SET version = version - 1 WHERE id = $1", paid.Id, Token);
        api.GetRequiredService<FlowSignal>().NoticeArrived();
        await RecoveryProduct.UntilAsync(() => StandAsync("later"), stand => stand == "known 1", Token);

        Task<bool> KeepAsync(string word, ProviderFactKind kind) => api.GetRequiredService<NoticeStore>().KeepAsync(
            new ProviderNotice(Provider.Stripe, Mode.Test, [new ProviderFact($"evt_{word}_{paid.Id}", kind, reference) { Captured = true }]), reading.Of);

        async Task<string?> StandAsync(string word)
        {
            await using var command = product.Payments.CreateCommand("SELECT verdict || ' ' || tries FROM provider_notices WHERE notice_id = $1");
            command.Parameters.Add(new() { Value = $"evt_{word}_{paid.Id}" });
            return await command.ExecuteScalarAsync(Token) as string;
        }
    }

    [Fact]
    public async Task A_call_that_this_process_makes_is_answered_when_its_answer_is_committed()
    {
        var recent = product.Host.ServicesOf(Names.Services.Api).GetRequiredService<RecentPayments>();
        Assert.True(recent.AnsweredAsync(new AttemptId(new Guid("019ad000-0000-7000-8000-000000000001"))).IsCompleted, "nobody here makes such a call");
        await product.InjectAsync("stripe", "authorize", "delay", Token, delay: 3_000);
        await using var now = product.Payments.CreateCommand("SELECT clock_timestamp()");
        var since = (await now.ExecuteScalarAsync(Token))!;
        var paying = product.Stripe.PayAsync(Token);

        await using var newest = product.Payments.CreateCommand("SELECT id FROM attempts WHERE provider = 'stripe' AND opened_at >= $1 ORDER BY opened_at DESC LIMIT 1");
        newest.Parameters.Add(new() { Value = since });
        var attempt = new AttemptId((await RecoveryProduct.UntilAsync(async () => await newest.ExecuteScalarAsync(Token) as Guid?, id => id is not null, Token))!.Value);
        await RecoveryProduct.UntilAsync(() => Task.FromResult(recent.AnsweredAsync(attempt).IsCompleted), answered => !answered, Token);

        await recent.AnsweredAsync(attempt);
        await using var state = product.Payments.CreateCommand("SELECT state FROM attempts WHERE id = $1");
        state.Parameters.Add(new() { Value = attempt.Value });
        Assert.Equal("succeeded", await state.ExecuteScalarAsync(Token));
        await paying;
        Assert.True(recent.AnsweredAsync(attempt).IsCompleted, "it is known");
    }
}
