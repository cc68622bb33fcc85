using System.Globalization;
using Payments.Chaos.Load;
using Payments.Chaos.Processes;

namespace Payments.Chaos.KillPoints;

/// <summary>
/// Visits kill points one after the other: aims at a process, asks for the operation, sees the process die at the step, starts it
/// again, and goes on asking under the same key as any client would, until there is an answer. What every book says in the end is
/// for the verdict.
/// </summary>
public sealed class KillPointRun(Fleet fleet, Client client, IReadOnlyList<Shop> shops, Action<string> tell)
{
    private const string Card = "4242424242424242";
    private const string AimVariable = "PAYMENTS_KILL_AIM";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>On a slow machine another may be faster than the one that is aimed at: a webhook or the resolver settles what the request was about to.</summary>
    private const int Attempts = 3;
    private int errands;

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
        foreach (var process in fleet.Services.Where(s => s.Service != Platform.Names.Services.Simulators))
        {
            await process.StopAsync();
            await process.StartAsync(cancellationToken, EnvironmentOf(fleet, process));
        }
    }

    /// <returns>Null, or what did not go as it must.</returns>
    public async Task<string?> VisitAsync(KillPoint point, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(point);
        for (var attempt = 1; ; attempt++)
        {
            var (problem, missed) = await TryAsync(point, cancellationToken);
            if (!missed || attempt == Attempts)
            {
                return problem;
            }
        }
    }

    /// <returns>What did not go as it must, and whether it is only that the process lives on, having gone another way.</returns>
    private async Task<(string? Problem, bool Missed)> TryAsync(KillPoint point, CancellationToken cancellationToken)
    {
        var errand = NextErrand(point.Provider);
        var setUp = await SetUpAsync(errand, point, cancellationToken);
        if (setUp.Problem is { } problem)
        {
            return ($"{point}: {problem}", false);
        }

        var process = fleet[point.Service];
        var aim = AimOf(fleet, process);
        File.Delete(aim + ".hit");
        await File.WriteAllTextAsync(aim + ".new", point.Step, cancellationToken);
        File.Move(aim + ".new", aim, overwrite: true);

        var asked = client.AskAsync(errand, setUp.Ask!, 0, cancellationToken: cancellationToken);
        var died = await DiesAsync(process, cancellationToken);
        var hit = File.Exists(aim + ".hit");
        File.Delete(aim);
        await asked;
        if (!died || !hit)
        {
            return ($"{point}: the process {(died ? "ended without reaching the step" : "did not reach the step")}", !died);
        }

        await process.StartAsync(cancellationToken, EnvironmentOf(fleet, process));
        var answer = await InsistAsync(errand, setUp.Ask!, cancellationToken);
        tell($"{point}: {answer.Status} {answer.Text("status") ?? answer.Code}");
        return (answer is { Status: 200 or 201 } ? null : $"{point}: the client was finally told {answer.Status} {answer.Body} {answer.Lost}", false);
    }

    private static string AimOf(Fleet fleet, ServiceProcess process) => Path.Combine(fleet.Directory, process.Name + ".aim");

    private Errand NextErrand(string provider)
    {
        var shop = shops.ToList().FindIndex(s => s.Name.Contains(provider, StringComparison.Ordinal));
        return new Errand(0, (Interlocked.Increment(ref errands) * shops.Count) + shop, shops);
    }

    /// <summary>Brings a payment to where the operation can be asked for.</summary>
    private async Task<(Ask? Ask, string? Problem)> SetUpAsync(Errand errand, KillPoint point, CancellationToken cancellationToken)
    {
        var create = Create(errand, manual: point.Operation is "capture" or "void");
        if (point.Operation == "authorize")
        {
            return (create, null);
        }

        var created = await InsistAsync(errand, create, cancellationToken);
        if (created is not { Status: 201 } || created.Text("id") is not { } payment)
        {
            return (null, $"no payment to begin with: {created.Status} {created.Body} {created.Lost}");
        }

        var wanted = point.Operation == "refund" ? "captured" : "authorized";
        var began = TimeProvider.System.GetTimestamp();
        while ((await client.AskAsync(errand, Ask.Read(payment), 0, cancellationToken: cancellationToken)).Text("status") != wanted)
        {
            if (TimeProvider.System.GetElapsedTime(began) > Patience)
            {
                return (null, $"{payment} did not become {wanted}");
            }

            await Client.PauseAsync(50, cancellationToken);
        }

        // The consequences of the beginning must not be taken for those of the operation.
        await Client.PauseAsync(300, cancellationToken);
        return point.Operation switch
        {
            "capture" => (Ask.Capture(payment, errand.Key + "-c", null), null),
            "void" => (Ask.Void(payment, errand.Key + "-v"), null),
            _ => (Ask.Refund(payment, errand.Key + "-r", (errand.Amount / 2) + 1), null),
        };
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

    private static async Task<bool> DiesAsync(ServiceProcess process, CancellationToken cancellationToken)
    {
        try
        {
            await process.WaitForExitAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
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
