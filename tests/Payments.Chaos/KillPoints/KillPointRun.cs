using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Chaos.Judging;
using Payments.Chaos.Load;
using Payments.Chaos.Processes;

namespace Payments.Chaos.KillPoints;

/// <summary>
/// Visits kill points one after the other: waits until nothing of earlier operations is under way, aims at a process, asks for the
/// operation, sees the process die at the step, starts it again, and goes on asking under the same key as any client would, until there
/// is an answer. What every book says in the end is for the verdict.
/// </summary>
public sealed class KillPointRun(Fleet fleet, Client client, EvidenceReader reader, IReadOnlyList<Shop> shops, Action<string> tell) : IDisposable
{
    private const string Card = "4242424242424242";
    private const string AimVariable = "PAYMENTS_KILL_AIM";

    /// <summary>
    /// What must come to be is waited for until it is certainly stuck. On a machine that is busy a visit takes a minute instead of four
    /// seconds, and a circuit that opens there lets nothing through for a minute and a half.
    /// </summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>How long a process may live on once the operation was answered: whatever leads to the step is over then.</summary>
    private static readonly TimeSpan LongestLife = TimeSpan.FromSeconds(60);

    /// <summary>On a slow machine another may be faster than the one that is aimed at: a webhook or the resolver settles what the request was about to.</summary>
    private const int Attempts = 3;
    private readonly HttpClient simulators = new() { BaseAddress = fleet[Platform.Names.Services.Simulators].Address };
    private int errands;

    /// <summary>Something does not come to rest any more: no further point can be visited, and what there is can be judged.</summary>
    public bool IsStuck { get; private set; }

    /// <summary>What the services' processes need to be aimed at.</summary>
    public static IReadOnlyDictionary<string, string?> EnvironmentOf(Fleet fleet, ServiceProcess process)
    {
        ArgumentNullException.ThrowIfNull(process);
        return new Dictionary<string, string?>
        {
            ["DOTNET_STARTUP_HOOKS"] = Path.Combine(AppContext.BaseDirectory, "Payments.Killing.dll"),
            [AimVariable] = AimOf(fleet, process),
        };
    }

    /// <summary>Starts every service but the simulators anew, so that it can be aimed at.</summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(fleet.Services.Where(s => s.Service != Platform.Names.Services.Simulators).Select(async process =>
        {
            await process.StopAsync();
            await process.StartAsync(cancellationToken, EnvironmentOf(fleet, process));
        }));
    }

    public void Dispose() => simulators.Dispose();

    /// <param name="points">Of one operation at one provider, each in a process of its own.</param>
    /// <returns>Null, or what did not go as it must.</returns>
    public async Task<string?> VisitAsync(IReadOnlyList<KillPoint> points, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(points);
        for (var attempt = 1; ; attempt++)
        {
            var (problem, missed) = await TryAsync(points, cancellationToken);
            if (!missed || attempt == Attempts)
            {
                return problem is null ? null : $"{string.Join(", ", points)}: {problem}";
            }
        }
    }

    /// <returns>What did not go as it must, and whether it is only that a process lives on, having gone another way.</returns>
    private async Task<(string? Problem, bool Missed)> TryAsync(IReadOnlyList<KillPoint> points, CancellationToken cancellationToken)
    {
        var errand = NextErrand(points[0].Provider);
        var setUp = await SetUpAsync(errand, points[0], cancellationToken);
        if (setUp.Problem is { } problem)
        {
            return (problem, false);
        }

        var struck = await StrikeAsync(points, () => client.AskAsync(errand, setUp.Ask!, 0, cancellationToken: cancellationToken), cancellationToken);
        if (struck.Problem is not null)
        {
            return struck;
        }

        var answer = await InsistAsync(errand, setUp.Ask!, cancellationToken);
        foreach (var point in points)
        {
            tell($"{point}: {answer.Status} {answer.Text("status") ?? answer.Code}, {setUp.Ask!.Payment ?? answer.Text("id")}");
        }

        return (answer is { Status: 200 or 201 } ? null : $"the client was finally told {answer.Status} {answer.Body} {answer.Lost}", false);
    }

    /// <summary>Waits for rest, aims at the points' processes, lets something happen, sees each die at its step, and starts it again.</summary>
    /// <returns>What did not go as it must, and whether it is only that a process lives on, having gone another way.</returns>
    internal async Task<(string? Problem, bool Missed)> StrikeAsync(IReadOnlyList<KillPoint> points, Func<Task> happen, CancellationToken cancellationToken)
    {
        if (await RestAsync(cancellationToken) is { } unrest)
        {
            return (unrest, false);
        }

        foreach (var point in points)
        {
            await AimAsync(point, cancellationToken);
        }

        var happening = happen();
        var fates = await Task.WhenAll(points.Select(p => FateAsync(fleet[p.Service], happening, cancellationToken)));
        await happening;
        await Task.WhenAll(points.Where((_, i) => fates[i].Died).Select(p => fleet[p.Service].StartAsync(cancellationToken, EnvironmentOf(fleet, fleet[p.Service]))));
        return Array.FindIndex(fates, f => !f.Died || !f.Hit) is >= 0 and var missed
            ? ($"{points[missed].Consumer ?? points[missed].Service} {(fates[missed].Died ? "ended without reaching the step" : "did not reach the step")}", !fates[missed].Died)
            : (null, false);
    }

    /// <summary>
    /// Waits until nothing is under way any more: what reaches a step from here on belongs to the operation that is asked for next. Looked
    /// at twice, because what a provider's webhook brought is under way with us only once it was with the provider no longer.
    /// </summary>
    /// <returns>Null, or what did not come to rest in time.</returns>
    internal async Task<string?> RestAsync(CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        for (var calm = 0; calm < 2;)
        {
            IReadOnlyList<StuckRow> unrest = [.. await reader.UnrestAsync(cancellationToken), .. await ToldByProvidersAsync(cancellationToken)];
            if (unrest.Count == 0)
            {
                calm++;
                continue;
            }

            if (TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                IsStuck = true;
                return $"what came before did not come to rest: {string.Join("; ", unrest.Take(5))}";
            }

            calm = 0;
            await Client.PauseAsync(50, cancellationToken);
        }

        return null;
    }

    /// <summary>Webhooks of the providers that have not arrived.</summary>
    private async Task<IEnumerable<StuckRow>> ToldByProvidersAsync(CancellationToken cancellationToken)
    {
        var under = await simulators.GetFromJsonAsync<JsonElement>(new Uri("/webhooks", UriKind.Relative), cancellationToken);
        return under.GetProperty("under_way").GetInt32() is > 0 and var count ? [new StuckRow("webhooks of providers", count.ToString(CultureInfo.InvariantCulture))] : [];
    }

    private async Task AimAsync(KillPoint point, CancellationToken cancellationToken)
    {
        var aim = AimOf(fleet, fleet[point.Service]);
        File.Delete(aim + ".hit");
        await File.WriteAllTextAsync(aim + ".new", point.Aim, cancellationToken);
        File.Move(aim + ".new", aim, overwrite: true);
    }

    /// <summary>Whether the process ended in time, and whether at the step; nobody aims at it afterwards.</summary>
    private async Task<(bool Died, bool Hit)> FateAsync(ServiceProcess process, Task happening, CancellationToken cancellationToken)
    {
        var died = await DiesAsync(process, happening, cancellationToken);
        var aim = AimOf(fleet, process);
        var hit = File.Exists(aim + ".hit");
        File.Delete(aim);
        return (died, hit);
    }

    private static string AimOf(Fleet fleet, ServiceProcess process) => Path.Combine(fleet.Directory, process.Name + ".aim");

    internal Errand NextErrand(string provider)
    {
        var shop = shops.ToList().FindIndex(s => s.Name.Contains(provider, StringComparison.Ordinal));
        return new Errand(0, (Interlocked.Increment(ref errands) * shops.Count) + shop, shops);
    }

    /// <summary>Brings a payment to where the operation can be asked for.</summary>
    private async Task<(Ask? Ask, string? Problem)> SetUpAsync(Errand errand, KillPoint point, CancellationToken cancellationToken)
    {
        if (point.Operation == "authorize")
        {
            return (Create(errand, manual: false), null);
        }

        var (payment, problem) = await PayAsync(errand, point.Operation == "refund" ? "captured" : "authorized", cancellationToken);
        if (problem is not null)
        {
            return (null, problem);
        }

        return point.Operation switch
        {
            "capture" => (Ask.Capture(payment!, errand.Key + "-c", null), null),
            "void" => (Ask.Void(payment!, errand.Key + "-v"), null),
            _ => (Ask.Refund(payment!, errand.Key + "-r", (errand.Amount / 2) + 1), null),
        };
    }

    /// <summary>A payment that has come to a status.</summary>
    internal async Task<(string? Payment, string? Problem)> PayAsync(Errand errand, string wanted, CancellationToken cancellationToken)
    {
        var created = await InsistAsync(errand, Create(errand, manual: wanted == "authorized"), cancellationToken);
        if (created is not { Status: 201 } || created.Text("id") is not { } payment)
        {
            return (null, $"no payment to begin with: {created.Status} {created.Body} {created.Lost}");
        }

        var began = TimeProvider.System.GetTimestamp();
        while ((await client.AskAsync(errand, Ask.Read(payment), 0, cancellationToken: cancellationToken)).Text("status") != wanted)
        {
            if (TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                return (null, $"{payment} did not become {wanted}");
            }

            await Client.PauseAsync(50, cancellationToken);
        }

        return (payment, null);
    }

    private static Ask Create(Errand errand, bool manual) => Ask.Create(
        errand.Key,
        new
        {
            amount = errand.Amount,
            currency = errand.Currency,
            payment_method = new { token = errand.Shop.Tokens[Card] },
            capture_method = manual ? "manual" : "automatic",
            order_id = errand.Key,
            metadata = new { errand = errand.Number.ToString(CultureInfo.InvariantCulture) },
        },
        errand.Amount);

    private static async Task<bool> DiesAsync(ServiceProcess process, Task happening, CancellationToken cancellationToken)
    {
        var death = process.WaitForExitAsync(cancellationToken);
        await Task.WhenAny(death, happening);
        try
        {
            await death.WaitAsync(LongestLife, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task<Told> InsistAsync(Errand errand, Ask ask, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var told = await client.AskAsync(errand, ask, 0, cancellationToken: cancellationToken);
            if (told.IsFinal || TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                return told;
            }

            await Client.PauseAsync(100, cancellationToken);
        }
    }
}
