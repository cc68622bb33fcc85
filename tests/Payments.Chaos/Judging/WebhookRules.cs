using System.Text.Json;

namespace Payments.Chaos.Judging;

/// <summary>Merchants were told of every change of state, once they have sorted by <c>payment.version</c> and forgotten repetitions; and told what was so.</summary>
internal static class WebhookRules
{
    public static IEnumerable<Violation> Judge(Evidence evidence)
    {
        var received = evidence.Received.GroupBy(r => r.Id).ToDictionary(g => g.Key, g => g.Select(r => r.Body).Distinct().ToArray());
        foreach (var happened in evidence.Events)
        {
            if (!received.Remove(happened.Id, out var bodies))
            {
                yield return new Violation(Rules.NotTold, happened.Payment, $"{happened.Type} {happened.Id}, version {happened.Version}, was never received");
                continue;
            }

            var said = Happened.Of(happened).Payment;
            foreach (var body in bodies)
            {
                var told = JsonSerializer.Deserialize<JsonElement>(body);
                if (told.GetProperty("type").GetString() != happened.Type || told.GetProperty("version").GetInt64() != happened.Version || View.Of(told.GetProperty("data")) != said)
                {
                    yield return new Violation(Rules.ToldWrongly, happened.Payment, $"{happened.Type} {happened.Id} says {said}, the webhook {View.Of(told.GetProperty("data"))}");
                }
            }
        }

        foreach (var (id, bodies) in received)
        {
            yield return new Violation(Rules.ToldWrongly, null, $"webhook {id} tells of no event: {bodies[0]}");
        }

        // What the last webhook by version shows is how the payment stands.
        var payments = evidence.Payments.ToDictionary(p => p.Id);
        foreach (var last in evidence.Events.GroupBy(e => e.Payment).Select(g => g.MaxBy(e => e.Version)!))
        {
            if (payments.GetValueOrDefault(last.Payment) is not { } row)
            {
                yield return new Violation(Rules.AcknowledgedLost, last.Payment, $"{last.Type} {last.Id} was published and the payment does not exist");
            }
            else if (Happened.Of(last).Payment is { } shown && (shown.Status, shown.Captured, shown.Refunded) != (row.Status, row.Kept, row.GivenBack))
            {
                yield return new Violation(Rules.NotTold, row.Id, $"the last event shows {shown}, the payment is v{row.Version} {row.Status}, captured {row.Kept}, refunded {row.GivenBack}");
            }
        }
    }
}
