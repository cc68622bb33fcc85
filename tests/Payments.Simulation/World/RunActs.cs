using Payments.Core;
using Payments.Core.Seams;
using Payments.Simulation.Histories;
using Payments.Simulation.Shell;

namespace Payments.Simulation.World;

/// <summary>What each act of a history does.</summary>
internal sealed partial class Run
{
    private void Do(Act act)
    {
        switch (act)
        {
            case Act.Create create:
                Send(new Request(Merchant.NewKey(), act, null, create.Amount, scheduler.Now));
                break;
            case Act.Capture { Part: var part } when Merchant.Payment is { } known:
                Send(new Request(Merchant.NewKey(), act, known.Id, known.Amount * part / 1000, scheduler.Now));
                break;
            case Act.Refund { Part: var part } when Merchant.Payment is { } known:
                Send(new Request(Merchant.NewKey(), act, known.Id, known.Amount * part / 1000, scheduler.Now));
                break;
            case Act.Void when Merchant.Payment is { } known:
                Send(new Request(Merchant.NewKey(), act, known.Id, null, scheduler.Now));
                break;
            case Act.Repeat repeat:
                Repeat(repeat);
                break;
            case Act.FinishChallenge finish:
                Finish(finish);
                break;
            case Act.Dashboard dashboard:
                ByDashboard(dashboard);
                break;
            case Act.Pass pass:
                Advance(pass.Time);
                break;
            default:
                GoWrong(act);
                break;
        }
    }

    private void GoWrong(Act act)
    {
        switch (act)
        {
            case Act.Kill { Victim: Victim.Api, After: var after }:
                api.DiesAfter = after;
                break;
            case Act.Kill { Victim: var victim, After: var after }:
                hosts[victim == Victim.Ledger ? 0 : 1].Process.DiesAfter = after;
                break;
            case Act.CallFails { Fault: var fault }:
                faults.Calls.Enqueue(fault);
                break;
            case Act.CommitFails { Fault: var fault }:
                faults.Commits.Enqueue(fault);
                break;
            case Act.NoticeFails { Fault: var fault }:
                faults.Notices.Enqueue(fault);
                break;
            case Act.ReadingsFail { Count: var count }:
                faults.UnansweredReadings += count;
                break;
            case Act.WipeBroker:
                broker.Wipe();
                break;
            case Act.LoseMessages { Count: var count }:
                faults.LostMessages += count;
                break;
            case Act.Redeliver { Count: var count }:
                hosts.ForEach(h => h.Consumer.Rewind(count));
                break;
            case Act.SetClock { Skew: var skew }:
                api.Skew = skew;
                break;
            default:
                break;
        }
    }

    private void Send(Request request)
    {
        var sending = new Sending(request, scheduler.Steps);
        Merchant.Sendings.Add(sending);
        scheduler.Start(api, async () =>
        {
            Answer answer;
            try
            {
                answer = await HandleAsync(request);
            }
            catch (DatabaseAwayException)
            {
                answer = ApiProcess.Broken;
            }

            await scheduler.Step();
            Merchant.Hear(sending, answer, scheduler.Steps);
            Tell?.Invoke($"{scheduler.Now:HH:mm:ss}   told for {request.Key}: {answer.Status} {answer.Code}{(answer.Body is { } body ? System.Text.Encoding.UTF8.GetString(body) : "")}");
        });
    }

    private Task<Answer> HandleAsync(Request request) => request.Act switch
    {
        Act.Create create => flow.CreateAsync(request.Post, Blank(create with { Amount = request.Amount!.Value }), create.First, create.First == Provider.Stripe ? Provider.Adyen : Provider.Stripe),
        Act.Capture capture => flow.ModifyAsync(request.Post, request.Payment!.Value, (payment, limits, opened) => Opening.Capture(payment, request.Amount, capture.Final, limits, opened)),
        Act.Void => flow.ModifyAsync(request.Post, request.Payment!.Value, (payment, limits, opened) => Opening.Void(payment, limits, opened)),
        _ => flow.ModifyAsync(request.Post, request.Payment!.Value, (payment, limits, opened) => Opening.Refund(payment, request.Amount, limits, opened)),
    };

    private PaymentState Blank(Act.Create create)
    {
        var token = ids.New<TokenId>().ToString();
        vault.Add(token, create.Card);
        return new PaymentState(
            default, merchantId, Mode.Test, new Money(create.Amount, Charge.CurrencyOf(create.Amount)),
            new PaymentDetails(create.Method, new PaymentMethodView("card", "visa", "4242", "US", "credit", token), 1, Prices.Commission, null, null, null, null, null, new Dictionary<string, string>()))
        {
            Risk = new RiskView(10, FraudVerdict.Approve, []),
        };
    }

    private void Repeat(Act.Repeat repeat)
    {
        var requests = Merchant.Sendings.Select(s => s.Request).Distinct().ToList();
        if (requests.Count == 0 || scheduler.Now - requests[^((repeat.Back % requests.Count) + 1)].FirstSentAt > Merchant.RepeatsWithin)
        {
            return;
        }

        var again = requests[^((repeat.Back % requests.Count) + 1)];
        Send(repeat.OtherBody ? again with { Amount = (again.Amount ?? 1_000) + 100 } : again);
    }

    private void Finish(Act.FinishChallenge finish)
    {
        if (Merchant.Payment is { } known && Charges.LastOrDefault(c => c.Payment == known.Id && c.State == SimulatedChargeState.Challenged) is { } charge)
        {
            providers[charge.Provider].FinishChallenge(charge, finish.IsGood);
            if (finish.ComesBack)
            {
                scheduler.Start(api, () => ForgivinglyAsync(() => flow.ReturnAsync(known.Id, finish.IsGood)));
            }
        }
    }

    private void ByDashboard(Act.Dashboard act)
    {
        if (Charges.LastOrDefault(c => c.State == SimulatedChargeState.Held) is not { } charge)
        {
            return;
        }

        var isPossible = act.Kind switch
        {
            OperationKind.Refund => charge.Captured > charge.Refunded,
            _ => charge is { IsReleased: false } && !charge.Movements.Exists(m => m.State is MovementState.Received or MovementState.Done),
        };
        if (isPossible)
        {
            HadDashboard = true;
            if (act.Kind != OperationKind.Refund)
            {
                HoldsTouched.Add(charge.Payment);
            }

            providers[charge.Provider].ByDashboard(charge, act.Kind, act.Kind == OperationKind.Refund ? Math.Max(1, (charge.Captured - charge.Refunded) * act.Part / 1000) : charge.Amount);
        }
    }
}
