using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Payments.Chaos.Processes;

namespace Payments.Chaos.Load;

/// <summary>Sends requests to a replica of the API, or to the vault, and writes down what it was told.</summary>
public sealed class Client : IDisposable
{
    /// <summary>Why a client that disconnects has no answer.</summary>
    public const string HungUp = "the client hung up";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private readonly HttpClient http = new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = 500,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
        AllowAutoRedirect = false,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    private readonly Journal journal;
    private readonly ServiceProcess[] replicas;

    public Client(Fleet fleet, Journal journal)
    {
        this.journal = journal;
        replicas = [.. fleet.Api];
        Vault = fleet[Platform.Names.Services.Vault].Address;
    }

    public Uri Vault { get; }

    public int Replicas => replicas.Length;

    /// <param name="hangUpAfter">The client disconnects then, without having been answered.</param>
    public async Task<Told> AskAsync(Errand errand, Ask ask, int replica, TimeSpan? hangUpAfter = null, CancellationToken cancellationToken = default)
    {
        var to = replicas[replica % replicas.Length];
        using var request = new HttpRequestMessage(ask.Body is null ? HttpMethod.Get : HttpMethod.Post, new Uri(to.Address, ask.Path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", errand.Shop.SecretKey);
        if (ask.Body is not null)
        {
            request.Content = JsonContent.Create(ask.Body);
            request.Headers.Add("Idempotency-Key", ask.Key);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(hangUpAfter ?? Patience);
        var at = journal.Now;
        Told Entry(int? status, string? body, bool replayed, string? lost) => new(
            at, journal.Now - at, errand.Number, errand.Shop.Id, ask.Operation, ask.Key, ask.Payment, ask.Amount, errand.Currency, to.Name, status, body, replayed, lost);
        Told told;
        try
        {
            using var answer = await http.SendAsync(request, patience.Token);
            var body = await answer.Content.ReadAsStringAsync(patience.Token);
            told = Entry((int)answer.StatusCode, body, answer.Headers.Contains("Idempotency-Replayed"), null);
        }
        catch (OperationCanceledException)
        {
            told = Entry(null, null, false, hangUpAfter is null ? "no answer in time" : HungUp);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            told = Entry(null, null, false, hangUpAfter is null ? e.InnerException?.Message ?? e.Message : HungUp);
        }

        journal.Add(told);
        return told;
    }

    /// <summary>A token for a card; tried until it can be had, null when the run ends first.</summary>
    public async Task<string?> TokenAsync(Shop shop, string number, string key, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Vault, "/v1/tokens"))
                {
                    Content = JsonContent.Create(new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" } }),
                };
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", shop.PublishableKey);
                request.Headers.Add("Idempotency-Key", key);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                patience.CancelAfter(Patience);
                using var answer = await http.SendAsync(request, patience.Token);
                if (answer.IsSuccessStatusCode)
                {
                    return (await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(patience.Token)).GetProperty("id").GetString();
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                // The vault is down or away: again, under the same key.
            }

            await PauseAsync(300, cancellationToken);
        }

        return null;
    }

    /// <summary>The customer's browser: goes to the issuer, answers its challenge and comes back to the shop by way of the API.</summary>
    public async Task FinishChallengeAsync(string issuer, bool approve, CancellationToken cancellationToken)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            using var form = new FormUrlEncodedContent([new("outcome", approve ? "approve" : "reject")]);
            using var answered = await http.PostAsync(new Uri(issuer), form, patience.Token);
            if (answered.Headers.Location is { } back)
            {
                using var returned = await http.GetAsync(back, patience.Token);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            // Browsers get lost; the challenge runs out then, or the provider's webhook tells.
        }
    }

    public static async Task PauseAsync(int milliseconds, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(milliseconds, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The caller's condition tells.
        }
    }

    public void Dispose() => http.Dispose();
}

/// <summary>One request that is to be made, perhaps several times.</summary>
public sealed record Ask(string Operation, string Path, string? Key, object? Body, string? Payment = null, long? Amount = null)
{
    public static Ask Create(string key, object body, long amount) => new("create", "/v1/payments", key, body, null, amount);

    public static Ask Read(string payment) => new("read", "/v1/payments/" + payment, null, null, payment);

    public static Ask Capture(string payment, string key, long? amount, bool? final = null) =>
        new("capture", $"/v1/payments/{payment}/capture", key, Members(("amount", amount), ("final", final)), payment, amount);

    public static Ask Void(string payment, string key) => new("void", $"/v1/payments/{payment}/void", key, Members(), payment);

    public static Ask Refund(string payment, string key, long? amount) =>
        new("refund", $"/v1/payments/{payment}/refunds", key, Members(("amount", amount)), payment, amount);

    private static Dictionary<string, object> Members(params (string Name, object? Value)[] members) =>
        members.Where(m => m.Value is not null).ToDictionary(m => m.Name, m => m.Value!);
}

/// <summary>A merchant of the run.</summary>
public sealed record Shop(string Id, string Name, string SecretKey, string PublishableKey)
{
    /// <summary>Tokens of the cards that it knows already, by number.</summary>
    public Dictionary<string, string> Tokens { get; } = [];
}

/// <summary>One client's errand: at most one payment and what is done with it, all of it drawn from the run's seed and the errand's number.</summary>
public sealed class Errand(int seed, int number, IReadOnlyList<Shop> shops)
{
    private static readonly string[] Currencies = ["USD", "EUR", "GBP", "SEK"];
    private readonly Random random = new(unchecked((seed * 1_000_003) + number));

    public int Number => number;

    public Shop Shop { get; } = shops[number % shops.Count];

    public string Currency { get; } = Currencies[number / 3 % Currencies.Length];

    public string Key { get; } = string.Create(CultureInfo.InvariantCulture, $"chaos-{seed}-{number}");

    /// <summary>No other errand has it. Small amounts are cheaper at one provider and large ones at the other, so both have their share.</summary>
    public long Amount { get; } = (number % 2 == 0 ? 10_000 : 2_000_000) + number;

    /// <summary>An amount that must never be charged: it is asked for under a key that was used before.</summary>
    public long ForbiddenAmount { get; } = 8_000_000 + number;

    public double Draw()
    {
        lock (random)
        {
            return random.NextDouble();
        }
    }

    public int Draw(int below)
    {
        lock (random)
        {
            return random.Next(below);
        }
    }

    public bool Chance(double probability) => Draw() < probability;
}
