using System.Globalization;

namespace Payments.Chaos.Load;

/// <summary>
/// What one client does with its payment. It never gives up on a request it has not been answered, always under the same key, now here
/// and now at the other replica; some hang up, some send everything at once, some come back later, some misuse a key.
/// </summary>
internal sealed class Life(Errand errand, Client client, LoadCounts counts, CancellationToken over)
{
    private const string Challenged = "4000002760003184";

    /// <summary>What a capture's or refund's key is misused for: no errand asks for so little.</summary>
    private const long WrongAmount = 7;

    // Cards and how many of a hundred errands use each.
    private static readonly (int Weight, string Number)[] Cards =
    [
        (40, "4242424242424242"), (14, "5555555555554444"), (12, "4000056655665556"), (8, "4111111111111111"),
        (3, "4000000000000002"), (3, "4000000000009995"), (2, "4000000000000119"), (1, "4000000000000069"), (1, "4000000000009987"),
        (8, Challenged), (2, "4000008400001629"),
        (2, "4000000000005126"), (2, "4000000000007726"), (2, "4000000000008617"),
    ];

    private const string Misuse = "misuse";

    public static IEnumerable<string> CardNumbers => Cards.Select(c => c.Number);

    public async Task LiveAsync()
    {
        var number = Card();
        var token = errand.Chance(0.06) ? await client.TokenAsync(errand.Shop, number, errand.Key + "-token", over) : errand.Shop.Tokens[number];
        if (token is null)
        {
            return;
        }

        var isManual = errand.Chance(0.6);
        object BodyOf(long amount) => new
        {
            amount,
            currency = errand.Currency,
            payment_method = new { token },
            capture_method = isManual ? "manual" : "automatic",
            order_id = errand.Key,
            metadata = new { errand = errand.Number.ToString(CultureInfo.InvariantCulture) },
        };
        if (errand.Chance(0.02))
        {
            // Gone for ever before the answer: whatever came of it must be one thing in every book all the same.
            await client.AskAsync(errand, Ask.Create(errand.Key, BodyOf(errand.Amount), errand.Amount), errand.Draw(2), TimeSpan.FromMilliseconds(errand.Draw(150)), over);
            return;
        }

        var created = await InsistAsync(Ask.Create(errand.Key, BodyOf(errand.Amount), errand.Amount));
        if (created is not { Status: 201 } || created.Text("id") is not { } payment)
        {
            return;
        }

        counts.Payment();
        if (errand.Chance(0.04))
        {
            var misuse = Ask.Create(errand.Key, BodyOf(errand.ForbiddenAmount), errand.ForbiddenAmount) with { Operation = Misuse };
            await client.AskAsync(errand, misuse, errand.Draw(2), cancellationToken: over);
        }

        await GoOnAsync(payment, created, isManual);
        if (errand.Chance(0.06) && !over.IsCancellationRequested)
        {
            await Client.PauseAsync(errand.Draw(8000), over);
            await client.AskAsync(errand, Ask.Create(errand.Key, BodyOf(errand.Amount), errand.Amount), errand.Draw(2), cancellationToken: over);
        }
    }

    private async Task GoOnAsync(string payment, Told created, bool isManual)
    {
        var status = created.Text("status");
        if (status == "pending_3ds")
        {
            if (errand.Chance(0.2))
            {
                return; // abandoned: it runs out
            }

            await Client.PauseAsync(errand.Draw(3000), over);
            var issuer = created.Read()!.Value.GetProperty("next_action").GetProperty("url").GetString()!;
            await client.FinishChallengeAsync(issuer, approve: errand.Chance(0.8), over);
            status = await StatusAsync(payment);
        }

        await Client.PauseAsync(errand.Draw(1500), over);
        if (status == "authorized")
        {
            await ModifyAuthorizedAsync(payment);
        }
        else if (status is "captured" or "capturing" && !isManual && errand.Chance(0.45))
        {
            await RefundAsync(payment, errand.Amount);
        }
    }

    private Task ModifyAuthorizedAsync(string payment)
    {
        var part = (errand.Amount / 3) + 1;
        return errand.Draw(100) switch
        {
            < 38 => SeriesAsync(Capture(payment, "c", null)),
            < 50 => SeriesAsync(Capture(payment, "c", part, final: true)),
            < 66 => SeriesAsync(Capture(payment, "c1", part, final: false), Capture(payment, "c2", part, final: false), Capture(payment, "c3", null)),
            < 82 => InsistAsync(Ask.Void(payment, errand.Key + "-v")),
            < 88 => Task.WhenAll(InsistAsync(Ask.Void(payment, errand.Key + "-v")), InsistAsync(Capture(payment, "c", null))),
            < 92 => Task.WhenAll(InsistAsync(Capture(payment, "c1", errand.Amount)), InsistAsync(Capture(payment, "c2", errand.Amount))),
            _ => Task.CompletedTask, // stays held
        };
    }

    private async Task SeriesAsync(params Ask[] captures)
    {
        var captured = 0L;
        foreach (var capture in captures)
        {
            if (await InsistAsync(capture) is not { Status: 200 })
            {
                break;
            }

            await MisuseAsync(Ask.Capture(capture.Payment!, capture.Key!, WrongAmount));
            captured += capture.Amount ?? (errand.Amount - captured);
        }

        if (captured > 0 && errand.Chance(0.4))
        {
            await Client.PauseAsync(errand.Draw(1500), over);
            await RefundAsync(captures[0].Payment!, captured);
        }
    }

    private async Task RefundAsync(string payment, long captured)
    {
        switch (errand.Draw(5))
        {
            case 0:
                await RefundAsync(Ask.Refund(payment, errand.Key + "-r", null));
                break;
            case 1:
                await RefundAsync(Ask.Refund(payment, errand.Key + "-r", (captured / 2) + 1));
                break;
            case 2:
                await RefundAsync(Ask.Refund(payment, errand.Key + "-r1", captured / 3));
                await RefundAsync(Ask.Refund(payment, errand.Key + "-r2", captured / 3));
                break;
            case 3:
                // Both want more than half: one must lose, whichever replica it asks.
                await Task.WhenAll(
                    RefundAsync(Ask.Refund(payment, errand.Key + "-r1", (captured / 2) + 1)), RefundAsync(Ask.Refund(payment, errand.Key + "-r2", (captured / 2) + 1)));
                break;
            default:
                await RefundAsync(Ask.Refund(payment, errand.Key + "-r", captured + 1));
                break;
        }
    }

    private async Task RefundAsync(Ask refund)
    {
        if (await InsistAsync(refund) is { Status: 201 })
        {
            await MisuseAsync(Ask.Refund(refund.Payment!, refund.Key!, WrongAmount));
        }
    }

    /// <summary>Now and then another amount under a key that has had its answer: refused, and nothing moves.</summary>
    private async Task MisuseAsync(Ask other)
    {
        if (errand.Chance(0.05))
        {
            await client.AskAsync(errand, other with { Operation = Misuse }, errand.Draw(2), cancellationToken: over);
        }
    }

    private Ask Capture(string payment, string key, long? amount, bool? final = null) => Ask.Capture(payment, $"{errand.Key}-{key}", amount, final);

    /// <summary>Asks until the answer is final; null when the run is over before.</summary>
    private async Task<Told?> InsistAsync(Ask ask)
    {
        var replica = errand.Draw(2);
        Told[] tellings;
        if (errand.Chance(0.08))
        {
            tellings = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => client.AskAsync(errand, ask, replica + i, cancellationToken: over)));
        }
        else
        {
            var hangUp = errand.Chance(0.05) ? TimeSpan.FromMilliseconds(1 + errand.Draw(200)) : (TimeSpan?)null;
            tellings = [await client.AskAsync(errand, ask, replica, hangUp, over)];
        }

        for (var tries = 1; ; tries++)
        {
            if (tellings.FirstOrDefault(t => t.IsFinal) is { } final)
            {
                return final;
            }

            if (over.IsCancellationRequested)
            {
                counts.Unanswered();
                return null;
            }

            await Client.PauseAsync(Math.Min(3000, 150 * tries) + errand.Draw(200), over);
            tellings = [await client.AskAsync(errand, ask, errand.Chance(0.5) ? replica : ++replica, cancellationToken: over)];
        }
    }

    private async Task<string?> StatusAsync(string payment)
    {
        for (var tries = 0; tries < 20 && !over.IsCancellationRequested; tries++)
        {
            var read = await client.AskAsync(errand, Ask.Read(payment), errand.Draw(2), cancellationToken: over);
            if (read.Status == 200 && read.Text("status") is var status and not ("pending_3ds" or "processing"))
            {
                return status;
            }

            await Client.PauseAsync(500, over);
        }

        return null;
    }

    private string Card()
    {
        var draw = errand.Draw(Cards.Sum(c => c.Weight));
        foreach (var (weight, number) in Cards)
        {
            if ((draw -= weight) < 0)
            {
                return number;
            }
        }

        throw new InvalidOperationException("The draw is below the sum of all weights.");
    }
}

/// <summary>How far the load has come.</summary>
public sealed class LoadCounts
{
    private int payments;
    private int unanswered;
    private int begun;
    private int ended;

    /// <summary>Payments that a client was finally told of.</summary>
    public int Payments => payments;

    /// <summary>Requests that were never answered for good although the client insisted.</summary>
    public int NeverAnswered => unanswered;

    public int UnderWay => begun - ended;

    internal void Payment() => Interlocked.Increment(ref payments);

    internal void Unanswered() => Interlocked.Increment(ref unanswered);

    internal void Begun() => Interlocked.Increment(ref begun);

    internal void Ended() => Interlocked.Increment(ref ended);
}
