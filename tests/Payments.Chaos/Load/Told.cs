using System.Text.Json;

namespace Payments.Chaos.Load;

/// <summary>One request of a client and what it was told: the first of the five views. Bodies of requests are not kept; they may carry cards.</summary>
/// <param name="At">Milliseconds since the run began when it was sent.</param>
/// <param name="Life">The number of the client's errand; each errand creates at most one payment, of an amount that no other has.</param>
/// <param name="Operation"><c>create</c>, <c>capture</c>, <c>void</c>, <c>refund</c>, <c>read</c>, <c>misuse</c> (an old key with another body).</param>
/// <param name="Payment">The payment in the request's path.</param>
/// <param name="Amount">What was asked for, in minor units; null where everything was.</param>
/// <param name="Status">Null where no answer came; <paramref name="Lost"/> says why.</param>
public sealed record Told(
    long At, long Took, int Life, string Merchant, string Operation, string? Key, string? Payment, long? Amount, string? Currency, string Replica,
    int? Status, string? Body, bool Replayed, string? Lost)
{
    /// <summary>The request is settled for this client: a success or a definite refusal, not "unknown yet", "still running" or an outage.</summary>
    public bool IsFinal => Status switch
    {
        200 or 201 => true,
        409 => Code is not ("idempotency_key_in_use" or "payment_busy"),
        >= 400 and < 500 => Status is not (408 or 429),
        _ => false,
    };

    public bool IsSuccess => Status is 200 or 201 or 202;

    /// <summary>
    /// Another copy of the same request was under way while this one was answered. A refusal is about the copy that was refused: which
    /// of several that run at once is decided first is nobody's promise, and a copy whose client heard nothing may still be running.
    /// </summary>
    public bool Overlaps(Told other)
    {
        const long stillRunning = 60_000;
        ArgumentNullException.ThrowIfNull(other);
        return !ReferenceEquals(this, other) && other.Key == Key && other.Merchant == Merchant
            && other.At <= At + Took && other.At + other.Took + (other.Status is null ? stillRunning : 0) >= At;
    }

    /// <summary>The refusal's name.</summary>
    public string? Code => Status >= 400 ? Text("code") : null;

    /// <summary>A member of the answer.</summary>
    public string? Text(string member) => Read() is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public JsonElement? Read()
    {
        if (Body is null)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<JsonElement>(Body);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
