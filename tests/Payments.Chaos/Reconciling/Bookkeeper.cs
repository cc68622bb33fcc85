using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Chaos.Judging;
using Payments.Chaos.Processes;
using Payments.Platform;

namespace Payments.Chaos.Reconciling;

/// <summary>
/// What an operator does once a run is at rest: both providers make their reports of their books and the bank its statements, the product fetches,
/// compares and books them, and the days are closed. All of it within a limit; what does not come in it is part of what is judged.
/// </summary>
internal sealed class Bookkeeper : IDisposable
{
    private const int Batch = 1;
    private const string Reports = "/ops/v1/reconciliation/reports";
    private const string Breaks = "/ops/v1/reconciliation/breaks";
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    private readonly Fleet fleet;
    private readonly EvidenceReader reader;
    private readonly TimeSpan limit;
    private readonly Action<string> tell;
    private readonly HttpClient simulators;
    private readonly HttpClient operators;
    private readonly List<string> undone = [];
    private HttpClient? second;
    private int keys;
    private readonly long began = TimeProvider.System.GetTimestamp();

    public Bookkeeper(Fleet fleet, EvidenceReader reader, TimeSpan limit, Action<string> tell)
    {
        (this.fleet, this.reader, this.limit, this.tell) = (fleet, reader, limit, tell);
        simulators = new() { BaseAddress = fleet[Names.Services.Simulators].Address };
        operators = new() { BaseAddress = fleet.Api.First().Address };
        operators.DefaultRequestHeaders.Authorization = new("Bearer", fleet.Secrets.OperatorKey);
    }

    public void Dispose()
    {
        simulators.Dispose();
        operators.Dispose();
        second?.Dispose();
    }

    public async Task<ReconciledRow> ReconcileAsync(IReadOnlyList<ChargeRow> charges, CancellationToken cancellationToken)
    {
        var currencies = charges.Select(c => c.Currency).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (currencies.Length > 0)
        {
            var payouts = await ReportAsync(charges, currencies, cancellationToken);
            await UntilAsync("reports and statements", token => FetchesLeftAsync(payouts, currencies.Length, token), cancellationToken);
            await UntilAsync("comparison", MatchAsync, cancellationToken);
            await UntilAsync("bookings", BookingsLeftAsync, cancellationToken);
            await UntilAsync("fees", ResolveFeesAsync, cancellationToken);
            await UntilAsync("bookings", BookingsLeftAsync, cancellationToken);
            await UntilAsync("comparison", MatchAsync, cancellationToken);
            await UntilAsync("closing", CloseAsync, cancellationToken);
        }

        var reconciled = await reader.ReconciledAsync(undone, cancellationToken);
        tell(string.Create(CultureInfo.InvariantCulture, $"books reconciled after {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0} s: {reconciled.Totals.Sum(t => t.Theirs)} lines, {reconciled.Breaks.Count} breaks, {reconciled.Breaks.Count(b => b.State != "resolved")} of them open, {reconciled.Unanswered.Count} unanswered"));
        return reconciled;
    }

    /// <summary>Returns how many payouts Stripe shows.</summary>
    private async Task<int> ReportAsync(IReadOnlyList<ChargeRow> charges, string[] currencies, CancellationToken cancellationToken)
    {
        // Nothing misleads any more, on the wire or in reports.
        foreach (var faults in new[] { "/faults", "/settlement/faults" })
        {
            using var cleared = await simulators.DeleteAsync(new Uri(faults, UriKind.Relative), cancellationToken);
            cleared.EnsureSuccessStatusCode();
        }

        // Whatever moved, also a minute after midnight.
        var from = Day(charges.Min(c => c.Created).AddDays(-1));
        var through = Day(TimeProvider.System.GetUtcNow().AddDays(1));
        await TellSimulatorsAsync("/settlement/adyen/announce", new { from, through, batch = Batch }, cancellationToken);
        await TellSimulatorsAsync("/settlement/stripe/pay", new { through }, cancellationToken);

        // As a bank's connection lays them down: a name that is taken only when the file is whole.
        var inbox = Directory.CreateDirectory(Path.Combine(fleet.Directory, "statements", "test")).FullName;
        foreach (var (place, currency) in currencies.Index())
        {
            var form = place % 2 == 0 ? "camt053" : "mt940";
            var statement = await simulators.GetStringAsync(new Uri($"/settlement/bank/{form}?from={from}&through={through}&batch={Batch}&currency={currency}", UriKind.Relative), cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(inbox, currency + ".part"), statement, cancellationToken);
            File.Move(Path.Combine(inbox, currency + ".part"), Path.Combine(inbox, currency));
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/payouts?limit=100");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", fleet.Secrets.StripeApiKey);
        using var answer = await simulators.SendAsync(request, cancellationToken);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("data").GetArrayLength();
    }

    private async Task TellSimulatorsAsync(string path, object body, CancellationToken cancellationToken)
    {
        using var answer = await simulators.PostAsJsonAsync(path, body, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    private async Task<string?> FetchesLeftAsync(int payouts, int statements, CancellationToken cancellationToken)
    {
        var (done, failures) = await reader.FetchedAsync(cancellationToken);
        var missing = new[] { ("adyen", 1), ("stripe", payouts), ("bank", statements) }.Where(w => done.GetValueOrDefault(w.Item1) < w.Item2)
            .Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Item1} {done.GetValueOrDefault(w.Item1)} of {w.Item2}"));
        var left = string.Join(", ", missing.Concat(failures));
        return left.Length == 0 ? null : left;
    }

    private async Task<string?> MatchAsync(CancellationToken cancellationToken)
    {
        using var answer = await PostAsync(operators, "/ops/v1/reconciliation/match", new { }, cancellationToken);
        return answer.IsSuccessStatusCode ? null : await ToldAsync(answer, cancellationToken);
    }

    private async Task<string?> BookingsLeftAsync(CancellationToken cancellationToken)
    {
        var left = await reader.BookingsLeftAsync(cancellationToken);
        return left.Count == 0 ? null : string.Join(", ", left);
    }

    /// <summary>The last day of each book, and with it all before.</summary>
    private async Task<string?> CloseAsync(CancellationToken cancellationToken)
    {
        var days = new List<string>();
        string? cursor = null;
        do
        {
            using var answer = await operators.GetAsync(new Uri($"{Reports}?limit=100{(cursor is null ? "" : "&cursor=" + cursor)}", UriKind.Relative), cancellationToken);
            if (!answer.IsSuccessStatusCode)
            {
                return await ToldAsync(answer, cancellationToken);
            }

            var page = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            days.AddRange(page.GetProperty("data").EnumerateArray().Select(r => r.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        var refused = new List<string>();
        foreach (var last in days.GroupBy(id => id[..id.LastIndexOf('.')]).Select(g => g.Max(StringComparer.Ordinal)!))
        {
            using var closed = await PostAsync(operators, $"{Reports}/{last}/close", new { }, cancellationToken);
            if (!closed.IsSuccessStatusCode)
            {
                refused.Add($"{last}: {await ToldAsync(closed, cancellationToken)}");
            }
        }

        return refused.Count == 0 ? null : string.Join(", ", refused);
    }

    /// <summary>What providers took otherwise than was accrued is our cost: one operator says so, beyond the limit another agrees. Whether that was rightly so is judged.</summary>
    private async Task<string?> ResolveFeesAsync(CancellationToken cancellationToken)
    {
        foreach (var (id, version) in await FeesAsync("open", cancellationToken))
        {
            using var resolved = await PostAsync(operators, $"{Breaks}/{id}/resolve", new { correction = "provider_cost", reason = "A fee that was not foreseen.", version }, cancellationToken);
            if (!resolved.IsSuccessStatusCode)
            {
                return await ToldAsync(resolved, cancellationToken);
            }
        }

        foreach (var (id, version) in await FeesAsync("proposed", cancellationToken))
        {
            second ??= await SecondAsync(cancellationToken);
            using var approved = await PostAsync(second, $"{Breaks}/{id}/approve", new { version }, cancellationToken);
            if (!approved.IsSuccessStatusCode)
            {
                return await ToldAsync(approved, cancellationToken);
            }
        }

        return null;
    }

    private async Task<List<(string Id, int Version)>> FeesAsync(string state, CancellationToken cancellationToken)
    {
        using var answer = await operators.GetAsync(new Uri($"{Breaks}?state={state}&limit=100", UriKind.Relative), cancellationToken);
        answer.EnsureSuccessStatusCode();
        return [.. (await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("data").EnumerateArray()
            .Where(b => b.GetProperty("class").GetString() == "fee_difference").Select(b => (b.GetProperty("id").GetString()!, b.GetProperty("version").GetInt32()))];
    }

    private async Task<HttpClient> SecondAsync(CancellationToken cancellationToken)
    {
        using var made = await PostAsync(operators, "/ops/v1/operator_keys", new { name = "second", person = "second" }, cancellationToken);
        made.EnsureSuccessStatusCode();
        var client = new HttpClient { BaseAddress = operators.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new("Bearer", (await made.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("key").GetString());
        return client;
    }

    private async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, object body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", string.Create(CultureInfo.InvariantCulture, $"bookkeeper-{++keys}"));
        return await client.SendAsync(request, cancellationToken);
    }

    /// <param name="left">Null when it is done, else what is missing.</param>
    private async Task UntilAsync(string what, Func<CancellationToken, Task<string?>> left, CancellationToken cancellationToken)
    {
        string? missing;
        while ((missing = await left(cancellationToken)) is not null)
        {
            if (TimeProvider.System.GetElapsedTime(began) > limit)
            {
                undone.Add($"{what}: {missing}");
                tell($"not reconciled in time: {what}: {missing}");
                return;
            }

            await Task.Delay(Glance, cancellationToken);
        }
    }

    private static async Task<string> ToldAsync(HttpResponseMessage answer, CancellationToken cancellationToken) =>
        $"{answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellationToken)}";

    private static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
