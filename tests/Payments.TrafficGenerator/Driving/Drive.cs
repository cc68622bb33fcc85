using System.Collections.Concurrent;
using System.Globalization;

namespace Payments.TrafficGenerator.Driving;

/// <summary>
/// Makes the payments of a stream at a running product, over its API, at an even pace in real time: the stream's hours are not waited
/// for, so windows of time hold more than they would. Each kind of merchant is a merchant of the product's.
/// </summary>
internal sealed class Drive(Product product, double perSecond, TextWriter progress)
{
    private const int MostUnderWay = 64;

    private readonly ConcurrentDictionary<(FraudKind Kind, string Status), int> outcomes = new();
    private readonly Dictionary<string, Shop> shops = [];

    public async Task RunAsync(IEnumerable<TrafficPayment> payments, CancellationToken cancellationToken)
    {
        using var room = new SemaphoreSlim(MostUnderWay);
        var underWay = new List<Task>();
        var began = TimeProvider.System.GetTimestamp();
        var made = 0;
        foreach (var payment in payments)
        {
            var category = payment.Merchant.Category.Name;
            if (!shops.TryGetValue(category, out var shop))
            {
                shops.Add(category, shop = await product.OpenShopAsync("Traffic " + category, cancellationToken));
                progress.WriteLine($"{category}: {shop.Id}");
                began += TimeProvider.System.GetTimestamp() - began - (long)(made / perSecond * TimeProvider.System.TimestampFrequency);
            }

            var wait = TimeSpan.FromSeconds(made++ / perSecond) - TimeProvider.System.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, cancellationToken);
            }

            await room.WaitAsync(cancellationToken);
            underWay.RemoveAll(t => t.IsCompletedSuccessfully);
            underWay.Add(PayAsync(shop, payment, room, cancellationToken));
        }

        await Task.WhenAll(underWay);
    }

    /// <summary>What became of the payments, by what they really are.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"{"what it is",-18} {"what became of it",-40} {"payments",10}";
        foreach (var (outcome, count) in outcomes.OrderBy(o => o.Key.Kind).ThenByDescending(o => o.Value))
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{StreamSummary.NameOf(outcome.Kind),-18} {outcome.Status,-40} {count,10}");
        }
    }

    private async Task PayAsync(Shop shop, TrafficPayment payment, SemaphoreSlim room, CancellationToken cancellationToken)
    {
        string status;
        try
        {
            status = await product.PayAsync(shop, payment, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            status = e.StatusCode is null ? "no answer" : e.Message;
        }
        finally
        {
            room.Release();
        }

        outcomes.AddOrUpdate((payment.Fraud, status), 1, (_, count) => count + 1);
    }
}
