using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Payments.Reconciliation.Fetching;

/// <summary>
/// Stripe's payouts and what is in them, by its API. Of each balance transaction only what a comparison needs is kept: the API's answers
/// hold customers' data, the file does not.
/// </summary>
internal sealed class StripePayouts(HttpClient http, ReportAccounts.StripeReports account, long mostBytes)
{
    private const string Version = "2025-03-31.basil";
    private const int LargestPage = 8 * 1024 * 1024;
    private static readonly string[] Kept = ["id", "type", "reporting_category", "currency", "amount", "fee", "net", "created"];
    private static readonly string[] KeptOfSource = ["id", "payment_intent", "currency", "amount"];

    /// <summary>Payouts that are complete: what they contain does not change any more.</summary>
    public Task<IReadOnlyList<string>> ListAsync(DateTimeOffset since, CancellationToken cancellationToken) => AsExpected(async () =>
    {
        var found = new List<string>();
        await foreach (var payout in PagesAsync($"v1/payouts?created[gte]={since.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}", cancellationToken))
        {
            var isComplete = !payout.TryGetProperty("reconciliation_status", out var status) || status.GetString() == "completed";
            if (isComplete && payout.GetProperty("automatic").GetBoolean() && payout.GetProperty("status").GetString() is ("paid" or "in_transit"))
            {
                found.Add(payout.GetProperty("id").GetString()!);
            }
        }

        return (IReadOnlyList<string>)found;
    });

    /// <summary>One object a line, in the order of their ids, so that the same payout is the same file.</summary>
    public Task FetchAsync(string payout, string path, CancellationToken cancellationToken) => AsExpected(async () =>
    {
        var told = await GetAsync("v1/payouts/" + Uri.EscapeDataString(payout), cancellationToken);
        var lines = new List<(string Id, byte[] Text)>();
        var length = 0L;
        await foreach (var transaction in PagesAsync($"v1/balance_transactions?payout={Uri.EscapeDataString(payout)}&expand[]=data.source", cancellationToken))
        {
            var text = Line(transaction);
            length += text.Length + 1;
            if (length > mostBytes)
            {
                throw new FetchFailedException($"larger than {mostBytes} bytes");
            }

            lines.Add((transaction.GetProperty("id").GetString()!, text));
        }

        await using var file = File.Create(path);
        await file.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new { payout, arrival_date = told.GetProperty("arrival_date").GetInt64() }), cancellationToken);
        foreach (var (_, text) in lines.OrderBy(l => l.Id, StringComparer.Ordinal))
        {
            file.WriteByte((byte)'\n');
            await file.WriteAsync(text, cancellationToken);
        }

        file.WriteByte((byte)'\n');
        return length;
    });

    private static async Task<T> AsExpected<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FetchFailedException("the answer is not what was expected", e);
        }
    }

    private static byte[] Line(JsonElement transaction)
    {
        var kept = Kept.Where(name => transaction.TryGetProperty(name, out _)).ToDictionary(name => name, object? (name) => transaction.GetProperty(name));
        var source = transaction.GetProperty("source");
        kept["source"] = source.ValueKind == JsonValueKind.Object
            ? KeptOfSource.Where(name => source.TryGetProperty(name, out _)).ToDictionary(name => name, name => source.GetProperty(name))
            : source;
        return JsonSerializer.SerializeToUtf8Bytes(kept);
    }

    private async IAsyncEnumerable<JsonElement> PagesAsync(string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? after = null;
        while (true)
        {
            var page = await GetAsync($"{path}&limit=100{(after is null ? "" : "&starting_after=" + Uri.EscapeDataString(after))}", cancellationToken);
            string? last = null;
            foreach (var item in page.GetProperty("data").EnumerateArray())
            {
                last = item.GetProperty("id").GetString();
                yield return item;
            }

            if (!page.GetProperty("has_more").GetBoolean())
            {
                yield break;
            }

            // A list that does not go on would be asked for ever.
            after = last is not null && last != after ? last : throw new FetchFailedException("the list does not go on");
        }
    }

    private async Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(account.BaseUrl, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", account.ApiKey);
        request.Headers.Add("Stripe-Version", Version);
        try
        {
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!answer.IsSuccessStatusCode)
            {
                throw new FetchFailedException($"http {(int)answer.StatusCode}");
            }

            await answer.Content.LoadIntoBufferAsync(LargestPage, cancellationToken);
            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            using var document = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
            return document.RootElement.Clone();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new FetchFailedException(e is JsonException ? "the answer is not JSON" : e is HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } h ? $"no answer: {h.HttpRequestError}" : "the answer broke off", e);
        }
    }
}
