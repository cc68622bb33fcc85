using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;

namespace Payments.Api.Flow;

/// <summary>Writes a batch of changes with one statement: <c>commit_changes</c> of the migrations, which gives each its verdict.</summary>
public sealed class CommitChanges(NpgsqlDataSource database, Deadlines deadlines, OutboxSignal signal)
{
    private static readonly JsonSerializerOptions Rows = new(Json.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private const string Sql =
        "SELECT commit_changes($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

    public async Task<IReadOnlyList<Verdict>> WriteAsync(Guid number, IReadOnlyList<PreparedChange> changes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        var bodies = new List<byte[]>();
        var docs = new ChangeRow[changes.Count];
        var events = new List<(int Item, TracedEvent Event)>();
        for (var i = 0; i < changes.Count; i++)
        {
            docs[i] = RowOf(changes[i].Change, bodies);
            events.AddRange(changes[i].Events.Select(e => (i + 1, e)));
        }

        await using var command = database.CreateCommand(Sql);
        command.Parameters.Add(new() { Value = number });
        command.Parameters.Add(new() { Value = JsonSerializer.SerializeToUtf8Bytes(docs, Rows), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = bodies.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        command.Parameters.Add(new() { Value = events.Select(e => e.Item).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer });
        OutboxColumns.Of([.. events.Select(e => e.Event)]).AddTo(command.Parameters);
        var verdicts = (string[])(await command.ExecuteScalarAsync(cancellationToken))!;
        if (events.Count > 0)
        {
            signal.Committed();
        }

        return [.. verdicts.Select(Words.Parse<Verdict>)];
    }

    private ChangeRow RowOf(Change change, List<byte[]> bodies)
    {
        var payment = change.After;
        var touched = change.Touched;
        return new ChangeRow
        {
            MerchantId = payment.MerchantId.Value,
            Mode = payment.Mode,
            PaymentId = payment.Id.Value,
            Expected = change.Before,
            Payment = PaymentRow.Of(payment),
            Operations = [.. touched.Select(o => OperationRow.Of(payment, o))],
            Attempts = [.. touched.SelectMany(o => o.Attempts.Select((a, n) => AttemptRow.Of(o, a, n, deadlines)))],
            References = [.. ReferencesOf(touched), .. change.Disputes.Select(d => new ReferenceRow(d.Provider, d.Reference, null))],
            Disputes = change.Disputes.Count == 0 ? null : [.. change.Disputes.Select(d => DisputeRow.Of(d, deadlines))],
            Claim = change.Claim is { } claim ? new ClaimRow(claim.Key.Class, claim.Key.Text, Numbered(bodies, claim.Fingerprint), claim.OperationId?.Value) : null,
            Answer = change.Answer is { } answer ? new AnswerRow(answer.Key.Class, answer.Key.Text, answer.Status, answer.Body is { } body ? Numbered(bodies, body) : null) : null,
            Release = change.Release is { } release ? new KeyRow(release.Class, release.Text) : null,
            Volume = change.Volume is { } volume ? new VolumeRow(volume.Currency, volume.Month, volume.AmountMinor, volume.MostMinor) : null,
            Notices = [.. change.Notices.Select(n => new NoticeRow(n.Provider, n.NoticeId, n.Verdict))],
            Held = change.Held is { } held ? new HeldRow(held.Id.Value, held.Fence) : null,
            Recoveries = change.Recoveries.Count == 0 ? null : [.. change.Recoveries.Select(r => new RecoveryRow(r.Id.Value, r.Kind, r.Subject, r.Actor, r.Reason, r.AttemptId?.Value, r.Before, r.After))],
            Incidents = [.. change.Incidents.Select(n => new IncidentRow(n.Id.Value, n.Kind, n.AttemptId?.Value, n.Detail, n.Subject))],
            Recovered = change.Before == 0 && payment.Details.Origin == PaymentOrigin.Recovered ? true : null,
            Reserve = change.Reserve is { } name ? new NameRow(name.Provider, name.Reference) : null,
            Attribution = change.Attribution is { } attribution ? new AttributionRow(attribution.Break.Value, attribution.By, attribution.Reason) : null,
            Decision = change.Decision is { } decision
                ? new DecisionRow(decision.Outcome, decision.Operator is null, decision.By, decision.Reason, decision.Operator?.Value, deadlines.ReviewEffect.TotalSeconds) : null,
            Review = payment is { Status: PaymentStatus.InReview, Review: null } ? new ReviewRow(payment.Risk?.Score, deadlines.ReviewDueIn(payment).TotalSeconds) : null,
            ReviewOver = ReviewView.Of(payment, payment.Status) is { Status: ReviewStatus.Lapsed } ? true : null,
            Context = change.Context is { } told
                ? new ContextRow(told.Sealed, told.DataKey, Text(told.Customer), Text(told.Email), Text(told.Ip), Text(told.Device)) : null,
        };

        static string? Text(byte[]? bytes) => bytes is null ? null : Convert.ToBase64String(bytes);
    }

    private static IEnumerable<ReferenceRow> ReferencesOf(IReadOnlyList<Operation> touched)
    {
        var seen = new HashSet<(Provider?, string)>();
        foreach (var operation in touched)
        {
            foreach (var attempt in operation.Attempts)
            {
                if (attempt.PaymentReference is { } payment && (operation.Kind == OperationKind.Authorize || operation.IsExtra) && seen.Add((attempt.Provider, payment)))
                {
                    yield return new ReferenceRow(attempt.Provider, payment, attempt.Id.Value);
                }

                if (attempt.ModificationReference is { } modification && seen.Add((attempt.Provider, modification)))
                {
                    yield return new ReferenceRow(attempt.Provider, modification, attempt.Id.Value);
                }
            }
        }
    }

    private static int Numbered(List<byte[]> bodies, byte[] body)
    {
        bodies.Add(body);
        return bodies.Count;
    }

    private sealed record ChangeRow
    {
        public required Guid MerchantId { get; init; }
        public required Mode Mode { get; init; }
        public required Guid PaymentId { get; init; }
        public required long Expected { get; init; }
        public required PaymentRow Payment { get; init; }
        public required IReadOnlyList<OperationRow> Operations { get; init; }
        public required IReadOnlyList<AttemptRow> Attempts { get; init; }
        public required IReadOnlyList<ReferenceRow> References { get; init; }
        public IReadOnlyList<DisputeRow>? Disputes { get; init; }
        public ClaimRow? Claim { get; init; }
        public AnswerRow? Answer { get; init; }
        public KeyRow? Release { get; init; }
        public VolumeRow? Volume { get; init; }
        public required IReadOnlyList<NoticeRow> Notices { get; init; }
        public required IReadOnlyList<IncidentRow> Incidents { get; init; }
        public HeldRow? Held { get; init; }
        public IReadOnlyList<RecoveryRow>? Recoveries { get; init; }
        public bool? Recovered { get; init; }
        public NameRow? Reserve { get; init; }
        public AttributionRow? Attribution { get; init; }
        public DecisionRow? Decision { get; init; }
        public ReviewRow? Review { get; init; }
        public bool? ReviewOver { get; init; }
        public ContextRow? Context { get; init; }
    }

    private sealed record ClaimRow(Core.Seams.KeyClass KeyClass, string Key, int Fingerprint, Guid? OperationId);

    private sealed record AnswerRow(Core.Seams.KeyClass KeyClass, string Key, int? Status, int? Body);

    private sealed record KeyRow(Core.Seams.KeyClass KeyClass, string Key);

    private sealed record VolumeRow(string Currency, DateOnly Month, long Amount, long? Most);

    private sealed record NoticeRow(Provider Provider, string NoticeId, string Verdict);

    private sealed record IncidentRow(Guid Id, string Kind, Guid? AttemptId, string Detail, string? Subject);

    private sealed record NameRow(Provider Provider, string Reference);

    private sealed record AttributionRow(Guid Break, string By, string Reason);

    private sealed record DecisionRow(ReviewOutcome Outcome, bool Automatic, string By, string? Reason, Guid? OperatorKeyId, double EffectIn);

    private sealed record ReviewRow(int? Score, double DueIn);

    private sealed record ContextRow(string Sealed, string DataKey, string? Customer, string? Email, string? Ip, string? Device);

    private sealed record HeldRow(Guid AttemptId, long Fence);

    private sealed record RecoveryRow(Guid Id, string Kind, string Subject, string Actor, string Reason, Guid? AttemptId, JsonElement Before, JsonElement After);

    private sealed record ReferenceRow(Provider Provider, string Reference, Guid? AttemptId);
}

/// <summary>A change with its events made, ready to be written as often as needed.</summary>
public sealed record PreparedChange(Change Change, IReadOnlyList<TracedEvent> Events)
{
    /// <summary>Gives the change's happenings their numbers, within the trace that is current now.</summary>
    public static PreparedChange Of(Change change, IdSource ids, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(time);
        var at = time.GetUtcNow();
        return new PreparedChange(change, [.. change.Happenings.Select(happening => TracedEvent.InCurrentTrace(new PaymentEvent(
            ids.New<Core.EventId>(), happening.Type, happening.AsOf.Id, happening.AsOf.MerchantId, happening.AsOf.Mode, happening.AsOf.Version, at,
            new PaymentEventData(happening.AsOf.View(), happening.Operation, happening.Fees) { Dispute = happening.Dispute, Moved = happening.Moved })))]);
    }
}
