using System.Text;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Simulation.Histories;
using Payments.Simulation.Shell;

namespace Payments.Simulation.World;

/// <summary>One sending of a request, and what the merchant heard: nothing, where the process died or the line broke.</summary>
internal sealed class Sending(Request request, long at)
{
    public Request Request => request;

    /// <summary>In steps of the run.</summary>
    public long SentAt => at;

    public long? AnsweredAt { get; private set; }

    public Answer? Answer { get; private set; }

    public void Hear(Answer answer, long at) => (Answer, AnsweredAt) = (answer, at);
}

/// <summary>A request that a merchant may send several times under one key.</summary>
/// <param name="Amount">Of a creation the amount; else what is asked for, null for everything left.</param>
internal sealed record Request(string Key, Act Act, PaymentId? Payment, long? Amount, DateTimeOffset FirstSentAt)
{
    public MerchantPost Post => new(new RequestKey(KeyClass.Secret, Key), Encoding.UTF8.GetBytes($"{Act.GetType().Name} {Payment} {Amount}"));
}

/// <summary>What a merchant remembers: its requests and what it was told.</summary>
internal sealed class Merchant
{
    /// <summary>Keys are good for a day from the final answer; a careful merchant repeats within less from the first sending.</summary>
    public static readonly TimeSpan RepeatsWithin = TimeSpan.FromHours(23);

    public List<Sending> Sendings { get; } = [];

    /// <summary>The payment that was told last.</summary>
    public (PaymentId Id, long Amount)? Payment { get; private set; }

    public string NewKey() => $"key {Sendings.Select(s => s.Request.Key).Distinct(StringComparer.Ordinal).Count() + 1}";

    public void Hear(Sending sending, Answer answer, long at)
    {
        sending.Hear(answer, at);
        if (sending.Request.Act is Act.Create create && answer.Body is { } body)
        {
            using var json = JsonDocument.Parse(body);
            if (Id.TryParse<PaymentId>(json.RootElement.GetProperty("id").GetString(), out var id))
            {
                Payment = (id, create.Amount);
            }
        }
    }
}
