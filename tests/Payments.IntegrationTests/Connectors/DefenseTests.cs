using System.Net.Http.Json;
using System.Text.Json;
using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Connectors;

/// <summary>Adyen asks for a reason to defend a dispute by.</summary>
public sealed class DefenseTests(ProvidersWorld world) : IClassFixture<ProvidersWorld>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // card, what the bank claims, whether liability shifted as we know it → the reason that the dispute is defended by
    [Theory]
    [InlineData("4000000000003055", "fraudulent", true, "THREE_DS_LIABILITY_SHIFT")]
    [InlineData("4000000000003055", "fraudulent", false, "GOODS_OR_SERVICES_PROVIDED")]
    [InlineData("4000000000003055", "product_not_received", true, "GOODS_OR_SERVICES_PROVIDED")]
    [InlineData("4000000000003097", "fraudulent", true, "GOODS_OR_SERVICES_PROVIDED")]
    public async Task A_dispute_is_defended_by_the_authentication_where_liability_shifted(string number, string claim, bool shifted, string reason)
    {
        var call = await world.CallAsync(Provider.Adyen, number, captureNow: true) with { ThreeDSecure = ThreeDSecureRequest.NoPreference };
        var paid = await world[Provider.Adyen].AuthorizeAsync(call, Cancel);
        var dispute = await DisputedAsync(paid.PaymentReference!, claim);
        var answered = await world[Provider.Adyen].AnswerDisputeAsync(
            new DisputeCall(ProvidersWorld.Ids.New<AttemptId>(), Mode.Test, dispute, DisputeAnswer.Evidence, [new("receipt", DisputeEvidence.Pdf, "%PDF-1.7 a receipt"u8.ToArray())]) { LiabilityShifted = shifted }, Cancel);
        Assert.Equal(OutcomeKind.Approved, answered.Kind);
        var disputes = await world.Simulators.GetFromJsonAsync<JsonElement>("/disputes", Cancel);
        Assert.Equal(reason, disputes.EnumerateArray().Single(d => d.GetProperty("id").GetString() == dispute).GetProperty("defense_reason").GetString());
    }

    // The capture takes its moment.
    private async Task<string> DisputedAsync(string charge, string reason)
    {
        while (true)
        {
            using var opened = await world.Simulators.PostAsJsonAsync("/disputes", new { provider = "adyen", charge, reason }, Cancel);
            if (opened.IsSuccessStatusCode)
            {
                return (await opened.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("id").GetString()!;
            }

            await Task.Delay(20, Cancel);
        }
    }
}
