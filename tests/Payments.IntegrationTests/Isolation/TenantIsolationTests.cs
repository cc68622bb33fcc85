using System.Text;
using Payments.IntegrationTests.BadInput;
using Xunit;

namespace Payments.IntegrationTests.Isolation;

/// <summary>To another merchant, and to the other mode of the same merchant, an object does not exist.</summary>
[Collection(ProductFixture.Name)]
public sealed class TenantIsolationTests(ProductFixture product)
{
    [Fact]
    public async Task Another_merchants_key_and_the_other_modes_key_find_nothing_and_change_nothing()
    {
        var surface = await Surface.PrepareAsync(product);
        var before = (await surface.CountAsync(), await ObjectsAsync(surface));
        var failures = new List<string>();
        var operations = surface.Operations.Where(o => o.Path.StartsWith("/v1/", StringComparison.Ordinal) && Surface.ParametersOf(o).Any()).ToList();
        Assert.NotEmpty(operations);
        foreach (var operation in operations)
        {
            foreach (var (who, key) in new[] { ("another merchant", surface.Stranger.Secret), ("the other mode", surface.Owner.Live) })
            {
                var body = surface.BodyOf(operation) is { } json ? Encoding.UTF8.GetBytes(json.ToJsonString()) : null;
                var (status, answer) = await surface.SendAsync(operation, surface.PathOf(operation), key, body);
                var parameter = Surface.ParametersOf(operation).First();
                var refused = status == 404 ? (answer.GetProperty("code").GetString(), answer.GetProperty("param").GetString()) : default;
                if (refused != (Surface.NotFoundCodeOf(operation, parameter), parameter))
                {
                    failures.Add($"{operation} by {who}: {status} {answer}");
                }
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.Equal(before, (await surface.CountAsync(), await ObjectsAsync(surface)));
    }

    [Fact]
    public async Task Lists_show_what_is_the_callers()
    {
        var surface = await Surface.PrepareAsync(product);
        foreach (var path in new[] { "/v1/payments", "/v1/disputes", "/v1/webhook_endpoints", "/v1/events", "/v1/balance_transactions", "/v1/settlements", "/v1/payouts", "/v1/risk/lists", "/v1/risk/rules", "/v1/risk/changes" })
        {
            await Surface.UntilAsync(async () => (await surface.SendAsync("GET", path, surface.Owner.Secret)).Body.GetProperty("data").GetArrayLength() > 0);
            foreach (var key in new[] { surface.Stranger.Secret, surface.Owner.Live })
            {
                var (status, page) = await surface.SendAsync("GET", path, key);
                Assert.Equal((200, 0), (status, page.GetProperty("data").GetArrayLength()));
            }
        }
    }

    [Fact]
    public async Task Another_merchants_token_cannot_be_charged()
    {
        var surface = await Surface.PrepareAsync(product);
        foreach (var key in new[] { surface.Stranger.Secret, surface.Owner.Live })
        {
            foreach (var (type, token) in new[] { ("card", surface.Ids["/v1/tokens/id"]), ("ach", surface.BankToken) })
            {
                var (status, problem) = await surface.SendAsync("POST", "/v1/payments", key, new { amount = 100, currency = "USD", payment_method = new { type, token } });
                Assert.Equal((422, "token_not_found", "payment_method.token"), (status, problem.GetProperty("code").GetString(), problem.GetProperty("param").GetString()));
            }
        }
    }

    private static async Task<string> ObjectsAsync(Surface surface)
    {
        var shown = new StringBuilder();
        foreach (var path in new[] { "/v1/payments/" + surface.Ids["/v1/payments/id"], "/v1/disputes/" + surface.Ids["/v1/disputes/id"], "/v1/refunds/" + surface.Ids["/v1/refunds/id"], "/v1/webhook_endpoints/" + surface.Ids["/v1/webhook_endpoints/id"] })
        {
            shown.AppendLine((await surface.SendAsync("GET", path, surface.Owner.Secret)).Body.GetRawText());
        }

        return shown.ToString();
    }
}
