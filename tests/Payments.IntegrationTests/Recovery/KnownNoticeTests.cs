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
}
