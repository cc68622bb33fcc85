using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Events;
using Payments.Fraud.Features;
using Payments.Platform.Http;
using Payments.Platform.Inbox;

namespace Payments.Fraud.Live;

/// <summary>What an event says of a payment's outcome.</summary>
/// <param name="Source">Of a label: who said so.</param>
internal readonly record struct ToldOutcome(PaymentAnswer? Answer, bool? Fraud, string? Source)
{
    /// <summary>A refund for this reason says that the merchant takes the payment for fraud.</summary>
    private const string Fraudulent = "fraudulent";

    public static IEnumerable<ToldOutcome> Of(PaymentEvent told)
    {
        var (payment, operation) = (told.Data.Payment, told.Data.Operation);
        switch (told.Type)
        {
            case PaymentEventTypes.Authorized or PaymentEventTypes.InReview or PaymentEventTypes.Captured:
                yield return Answered(PaymentAnswer.Approved);
                if (payment.Authentication?.Result == AuthenticationResult.Authenticated)
                {
                    yield return Answered(PaymentAnswer.Authenticated);
                }

                break;

            case PaymentEventTypes.Declined or PaymentEventTypes.Failed when payment.Authentication?.Result == AuthenticationResult.Failed:
                yield return Answered(PaymentAnswer.NotAuthenticated);
                yield return Labelled(fraud: true, "authentication");
                break;

            case PaymentEventTypes.Declined:
                yield return Answered(PaymentAnswer.Declined);
                break;

            // What nobody decided in time is nobody's word.
            case PaymentEventTypes.ReviewDecided when payment.Review is { Automatic: false, Status: ReviewStatus.Approved or ReviewStatus.Rejected } review:
                yield return Labelled(review.Status == ReviewStatus.Rejected, "review");
                break;

            case PaymentEventTypes.Refunded or PaymentEventTypes.RefundPending when operation?.Reason == Fraudulent:
                yield return Labelled(fraud: true, "refund");
                break;

            // A chargeback, not a bank's inquiry: it counts from now on, whenever the payment was made.
            case PaymentEventTypes.DisputeFundsWithdrawn when told.Data.Dispute is { } dispute:
                yield return Labelled(dispute.Reason == DisputeReason.Fraudulent, "chargeback");
                break;

            default:
                break;
        }
    }

    private static ToldOutcome Answered(PaymentAnswer answer) => new(answer, null, null);

    private static ToldOutcome Labelled(bool fraud, string source) => new(null, fraud, source);
}

/// <summary>Stores answers and labels from the payment events: the consumer <see cref="Consumer"/>, in the transaction that advances its checkpoint.</summary>
internal sealed class OutcomeIntake : IEventHandler
{
    /// <summary>The consumer's name, for ever.</summary>
    public const string Consumer = "fraud_model";

    public async Task ApplyAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var told = batch.SelectMany(e => ToldOutcome.Of(e.Event).Select(o => (e.Event, Outcome: o))).OrderBy(t => t.Event.PaymentId.Value).ToArray();
        await using var writes = new NpgsqlBatch(connection, transaction);
        if (told.Where(t => t.Outcome.Answer is not null).DistinctBy(t => (t.Event.PaymentId, t.Outcome.Answer)).ToArray() is { Length: > 0 } answers)
        {
            writes.BatchCommands.Add(Answers(answers));
        }

        if (told.Where(t => t.Outcome.Fraud is not null).ToArray() is { Length: > 0 } labels)
        {
            writes.BatchCommands.Add(Labels(labels));
        }

        if (writes.BatchCommands.Count > 0)
        {
            await writes.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static NpgsqlBatchCommand Answers((PaymentEvent Event, ToldOutcome Outcome)[] told)
    {
        const string sql = """
            INSERT INTO model_answers (payment_id, kind, mode, at)
            SELECT payment_id, kind, mode, at FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS answer (payment_id, kind, mode, at)
            ON CONFLICT (payment_id, kind) DO NOTHING
            """;
        return new(sql)
        {
            Parameters =
            {
                Of(NpgsqlDbType.Uuid, told, t => t.Event.PaymentId.Value),
                Of(NpgsqlDbType.Text, told, t => Words.Of(t.Outcome.Answer!.Value)),
                Of(NpgsqlDbType.Text, told, t => ModeNames.Of(t.Event.Mode)),
                Of(NpgsqlDbType.TimestampTz, told, t => t.Event.OccurredAt),
            },
        };
    }

    private static NpgsqlBatchCommand Labels((PaymentEvent Event, ToldOutcome Outcome)[] told)
    {
        // It is known when it is stored, whenever it was decided: nobody could have used it before.
        const string sql = """
            INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at)
            SELECT mode, merchant_id, payment_id, fraud, source, clock_timestamp()
            FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::boolean[], $5::text[]) AS label (mode, merchant_id, payment_id, fraud, source)
            ON CONFLICT DO NOTHING
            """;
        return new(sql)
        {
            Parameters =
            {
                Of(NpgsqlDbType.Text, told, t => ModeNames.Of(t.Event.Mode)),
                Of(NpgsqlDbType.Uuid, told, t => t.Event.MerchantId.Value),
                Of(NpgsqlDbType.Uuid, told, t => t.Event.PaymentId.Value),
                Of(NpgsqlDbType.Boolean, told, t => t.Outcome.Fraud!.Value),
                Of(NpgsqlDbType.Text, told, t => t.Outcome.Source!),
            },
        };
    }

    private static NpgsqlParameter Of<T>(NpgsqlDbType type, (PaymentEvent Event, ToldOutcome Outcome)[] told, Func<(PaymentEvent Event, ToldOutcome Outcome), T> of) =>
        new() { Value = Array.ConvertAll(told, t => of(t)), NpgsqlDbType = NpgsqlDbType.Array | type };
}
