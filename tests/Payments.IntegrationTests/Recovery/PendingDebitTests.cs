using System.Net;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>A debit that its bank takes days for is neither unknown nor overdue: it is asked about, and nothing else, until a deadline of its own.</summary>
[Collection(RecoveryProduct.Name)]
public sealed class PendingDebitTests(RecoveryProduct product)
{
    private const string StaysProcessing = "000000000009";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_debit_that_is_pending_is_left_alone_for_ten_days_and_then_a_person_is_called()
    {
        var submitted = await product.Stripe.DebitAsync(Token, StaysProcessing);
        Assert.Equal((HttpStatusCode.Accepted, "processing"), (submitted.Status, submitted.Text("status")));

        // Nine days old, and looked at several times. The alert of this product for cards is a matter of seconds.
        await product.RunAsync("UPDATE attempts SET opened_at = now() - interval '9 days' WHERE payment_id = $1", submitted.Id, Token);
        await RecoveryProduct.UntilAsync(() => ReadingsAsync(submitted.Id), readings => readings >= 3, Token);
        var pending = await product.Stripe.GetAsync($"/v1/payments/{submitted.Id}", Token);
        Assert.Equal("processing", pending.GetProperty("status").GetString());
        Assert.Equal(["authorize"], pending.GetProperty("timeline").EnumerateArray().Select(e => e.GetProperty("kind").GetString()));
        Assert.Empty(await product.IncidentsAsync(submitted.Id, Token));
        Assert.Empty(await product.RecoveriesAsync(submitted.Id, Token));
        Assert.Equal("pending", Assert.Single(await product.ChargesAsync("stripe", submitted.Id, Token)).GetProperty("status").GetString());

        await product.RunAsync("UPDATE attempts SET opened_at = now() - interval '10 days 1 hour' WHERE payment_id = $1", submitted.Id, Token);
        var incident = Assert.Single(await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(submitted.Id, Token), found => found.Count > 0, Token));
        Assert.Equal("attempt_unresolved", incident.GetProperty("kind").GetString());
        Assert.Equal("processing", (await product.Stripe.GetAsync($"/v1/payments/{submitted.Id}", Token)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_debit_whose_notices_are_lost_is_found_out_by_reading()
    {
        try
        {
            await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: null);
            var submitted = await product.Stripe.DebitAsync(Token, "000111111116");
            var declined = await product.Stripe.UntilAsync(submitted.Id, "declined", Token);
            Assert.Equal("no_account", declined.GetProperty("decline").GetProperty("code").GetString());
            Assert.Equal(["attempt_resolved"], await product.RecoveriesAsync(submitted.Id, Token));
        }
        finally
        {
            await product.ClearFaultsAsync();
        }
    }

    private async Task<long> ReadingsAsync(string payment)
    {
        Assert.True(Core.Id.TryParse<Core.PaymentId>(payment, out var id), "a payment has an id");
        await using var command = product.Payments.CreateCommand("SELECT max(readings)::bigint FROM attempts WHERE payment_id = $1");
        command.Parameters.Add(new() { Value = id.Value });
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }
}
