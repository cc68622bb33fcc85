using System.Net;
using Payments.AllInOne;
using Payments.IntegrationTests.Fire;
using Xunit;

namespace Payments.IntegrationTests.Product;

[Collection(ProductFixture.Name)]
public sealed class StartTests(ProductFixture product)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_service_is_alive_and_healthy()
    {
        var addresses = product.Host.Addresses;
        using var client = new HttpClient();
        foreach (var origin in new[] { addresses.Api, addresses.Vault, addresses.Simulators, addresses.Ledger, addresses.Fraud, addresses.Webhooks })
        {
            foreach (var path in new[] { "/health", "/alive" })
            {
                await Eventually.BecomesTrueAsync(
                    $"{origin}{path} answers 200",
                    async () =>
                    {
                        using var answer = await client.GetAsync(new Uri(origin, path), Cancel);
                        return answer.StatusCode == HttpStatusCode.OK ? null : await answer.Content.ReadAsStringAsync(Cancel);
                    },
                    Cancel);
            }
        }
    }

    [Fact]
    public async Task A_second_start_on_the_same_data_is_refused()
    {
        await Assert.ThrowsAsync<AlreadyRunningException>(() =>
            AllInOneHost.StartAsync(new() { DataDirectory = product.Host.Options.DataDirectory }, Cancel));
    }

    [Fact]
    public void Secrets_are_readable_by_their_owner_only()
    {
        foreach (var file in new[] { "secrets.json", "redis/redis.conf" })
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(product.Host.Options.DataDirectory, file)));
        }
    }
}
