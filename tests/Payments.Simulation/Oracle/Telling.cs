using System.Text.Json;
using Payments.Core;
using Payments.Simulation.Histories;
using Payments.Simulation.World;

namespace Payments.Simulation.Oracle;

/// <summary>Whether merchants were told the truth, and never anything else afterwards.</summary>
internal sealed class Telling(Run run, List<Charge> charges)
{
    private readonly List<string> violations = [];

    public static IReadOnlyList<string> Violations(Run run, List<Charge> charges)
    {
        var telling = new Telling(run, charges);
        foreach (var key in run.Merchant.Sendings.GroupBy(s => s.Request.Key))
        {
            foreach (var request in key.GroupBy(s => s.Request))
            {
                telling.Consistent([.. request]);
            }

            telling.NothingAfterRefusals(key.Key, [.. key]);
        }

        return telling.violations;
    }

    private void Consistent(List<Sending> sendings)
    {
        var first = sendings.Where(s => IsFinal(s.Answer)).MinBy(s => s.AnsweredAt);
        foreach (var sending in sendings.Where(s => s.Answer is not null))
        {
            var (request, answer) = (sending.Request, sending.Answer!);
            if (first is not null && sending.SentAt > first.AnsweredAt && answer.Status != 500)
            {
                Check(answer.Status == first.Answer!.Status && answer.Body.AsSpan().SequenceEqual(first.Answer.Body), $"{request.Key} was answered {first.Answer.Status} first and {answer.Status} {answer.Code} or otherwise later");
            }

            if (answer is { Status: 200 or 201 or 202, Body: { } body })
            {
                using var json = JsonDocument.Parse(body);
                True(request, answer.Status, json);
            }
        }

        if (first is { Answer.Status: 422 } refused)
        {
            Check(!Moved(refused.Request.Key).Any(), $"{refused.Request.Key} was answered 422, and yet the provider did it");
        }

        var payments = sendings.Where(s => s.Request.Act is Act.Create && s.Answer?.Body is not null && s.Answer.Status < 300).Select(s => IdOf(s.Answer!.Body!)).Distinct().ToList();
        Check(payments.Count <= 1, $"{sendings[0].Request.Key} was told of {payments.Count} payments");
    }

    /// <summary>What a 2xx says must be so at the provider, now or at some time.</summary>
    private void True(Request request, int status, JsonDocument told)
    {
        if (request.Act is Act.Refund)
        {
            var refund = Moved(request.Key).Any();
            Check(status == 202 || told.Text("status") != "succeeded" || refund, $"{request.Key} was told of a refund that the provider does not have");
            Check(status == 202 || told.Text("status") != "failed" || !Movements(request.Key).Any(m => m.State == MovementState.Done), $"{request.Key} was told that its refund failed, and the provider has it");
            return;
        }

        if (!Id.TryParse<PaymentId>(told.Text("id"), out var id) || !run.Database.Payments.ContainsKey(id))
        {
            Check(false, $"{request.Key} was told of payment {told.Text("id")}, which is lost");
            return;
        }

        var own = charges.Where(c => c.Payment == id).ToList();
        Check(told.Number("amount_captured") <= own.Sum(c => c.EverCaptured), $"{request.Key} was told of {told.Number("amount_captured")} captured, the provider never captured that");
        Check(told.Number("amount_refunded") <= own.SelectMany(c => c.Movements).Where(m => m.Kind == OperationKind.Refund && Judge.HasMoved(m)).Sum(m => m.Amount), $"{request.Key} was told of {told.Number("amount_refunded")} refunded, the provider never refunded that");
        switch (told.Text("status"))
        {
            case "authorized":
                Check(own.Exists(c => c.WasHeld), $"{request.Key} was told that it is authorized, the provider never held it");
                break;
            case "declined" or "failed":
                Check(status == 202 || !own.Exists(c => c.Held > 0 || c.EverCaptured > 0), $"{request.Key} was told that it is {told.Text("status")}, and the provider holds or took the money");
                break;
            case "voided":
                Check(own.Exists(c => c.State == SimulatedChargeState.Cancelled), $"{request.Key} was told that it is voided, and the provider did not");
                break;
            default:
                break;
        }
    }

    /// <summary>A merchant who heard nothing but refusals can rely on nothing having happened.</summary>
    private void NothingAfterRefusals(string key, List<Sending> sendings)
    {
        if (sendings.TrueForAll(s => s.Answer is { Status: 409 or 422 or 503, Body: null, Code: not ("idempotency_key_in_use" or "idempotency_key_reused") }))
        {
            Check(!Moved(key).Any() && !charges.Exists(c => c.OrderedBy == key && c.WasHeld), $"{key} was only ever refused, and yet the provider did it");
        }
    }

    private IEnumerable<Movement> Movements(string key) => charges.SelectMany(c => c.Movements.Where(m => m.OrderedBy == key && c.OrderedBy != key));

    private IEnumerable<Movement> Moved(string key) => Movements(key).Where(Judge.HasMoved);

    private static bool IsFinal(Shell.Answer? answer) => answer is { Status: 200 or 201 or 422, Body: not null };

    private static string IdOf(byte[] body)
    {
        using var json = JsonDocument.Parse(body);
        return json.Text("id");
    }

    private void Check(bool holds, string otherwise)
    {
        if (!holds)
        {
            violations.Add(otherwise);
        }
    }
}
