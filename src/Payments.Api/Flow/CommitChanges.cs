using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;

namespace Payments.Api.Flow;

/// <summary>Writes a batch of changes with one statement: <c>write_changes</c> of the migrations, which gives each its verdict.</summary>
public sealed class CommitChanges(NpgsqlDataSource database, Deadlines deadlines, OutboxSignal signal)
{
    private static readonly JsonSerializerOptions Rows = new(Json.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private const string Sql =
        "SELECT write_changes($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";

    private volatile bool typesAreKnown;

    /// <summary>Tells the driver which rows are which types of the database.</summary>
    public static void MapTypes(NpgsqlDataSourceBuilder source)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.MapComposite<PaymentRow>(Types.Payment);
        source.MapComposite<OperationRow>(Types.Operation);
        source.MapComposite<AttemptRow>(Types.Attempt);
        source.MapComposite<ReferenceRow>(Types.Reference);
        source.MapComposite<ClaimRow>(Types.Claim);
        source.MapComposite<AnswerRow>(Types.Answer);
        source.MapComposite<VolumeRow>(Types.Volume);
    }

    /// <summary>Connections for this, to be disposed of by the caller.</summary>
    public static NpgsqlDataSource Connect(string connectionString)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString);
        MapTypes(source);
        return source.Build();
    }

    public async Task<IReadOnlyList<Verdict>> WriteAsync(Guid number, IReadOnlyList<PreparedChange> changes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        if (!typesAreKnown)
        {
            // A connection that was opened before the migration that made the types does not know them.
            await database.ReloadTypesAsync(cancellationToken);
            typesAreKnown = true;
        }

        await using var command = database.CreateCommand(Sql);
        var rows = new Batch(changes, deadlines);
        rows.AddTo(number, command.Parameters);
        var verdicts = (string[])(await command.ExecuteScalarAsync(cancellationToken))!;
        if (rows.HasEvents)
        {
            signal.Committed();
        }

        return [.. verdicts.Select(Words.Parse<Verdict>)];
    }

    private static class Types
    {
        public const string Payment = "written_payment";
        public const string Operation = "written_operation";
        public const string Attempt = "written_attempt";
        public const string Reference = "written_reference";
        public const string Claim = "written_claim";
        public const string Answer = "written_answer";
        public const string Volume = "written_volume";
    }

    /// <summary>A batch of changes as rows by table. Each names its change by its number in the batch, from 1.</summary>
    private sealed class Batch
    {
        private readonly Guid[] merchants;
        private readonly string[] modes;
        private readonly Guid[] ids;
        private readonly long[] expecteds;
        private readonly List<PaymentRow> created = [];
        private readonly List<PaymentRow> changed = [];
        private readonly List<OperationRow> opened = [];
        private readonly List<OperationRow> operations = [];
        private readonly List<AttemptRow> firstAttempts = [];
        private readonly List<AttemptRow> attempts = [];
        private readonly List<ReferenceRow> references = [];
        private readonly List<ClaimRow> claims = [];
        private readonly List<AnswerRow> answers = [];
        private readonly List<VolumeRow> volumes = [];
        private readonly List<int> holding = [];
        private readonly List<RestRow> rest = [];
        private readonly List<(int Item, TracedEvent Event)> events = [];
        private readonly Deadlines deadlines;

        public Batch(IReadOnlyList<PreparedChange> changes, Deadlines deadlines)
        {
            this.deadlines = deadlines;
            (merchants, modes, ids, expecteds) = (new Guid[changes.Count], new string[changes.Count], new Guid[changes.Count], new long[changes.Count]);
            for (var i = 0; i < changes.Count; i++)
            {
                Add(i + 1, changes[i].Change);
                foreach (var happened in changes[i].Events)
                {
                    events.Add((i + 1, happened));
                }
            }
        }

        public bool HasEvents => events.Count > 0;

        public void AddTo(Guid number, NpgsqlParameterCollection parameters)
        {
            parameters.Add(new() { Value = number });
            parameters.Add(new() { Value = merchants });
            parameters.Add(new() { Value = modes });
            parameters.Add(new() { Value = ids });
            parameters.Add(new() { Value = expecteds });
            parameters.Add(Composites(created, Types.Payment));
            parameters.Add(Composites(changed, Types.Payment));
            parameters.Add(Composites(opened, Types.Operation));
            parameters.Add(Composites(operations, Types.Operation));
            parameters.Add(Composites(firstAttempts, Types.Attempt));
            parameters.Add(Composites(attempts, Types.Attempt));
            parameters.Add(Composites(references, Types.Reference));
            parameters.Add(Composites(claims, Types.Claim));
            parameters.Add(Composites(answers, Types.Answer));
            parameters.Add(Composites(volumes, Types.Volume));
            parameters.Add(new() { Value = holding });
            parameters.Add(new() { Value = rest.Count == 0 ? DBNull.Value : JsonSerializer.SerializeToUtf8Bytes(rest, Rows), NpgsqlDbType = NpgsqlDbType.Jsonb });
            parameters.Add(new() { Value = events.ConvertAll(e => e.Item) });
            parameters.Add(new() { Value = events.ConvertAll(e => e.Event.Event.Id.Value) });
            parameters.Add(new() { Value = events.ConvertAll(e => e.Event.Event.Type) });
            parameters.Add(new() { Value = events.ConvertAll(e => e.Event.Event.Version) });
            parameters.Add(new() { Value = events.ConvertAll(e => e.Event.Event.OccurredAt.ToUniversalTime()) });
            parameters.Add(new() { Value = events.ConvertAll(e => JsonSerializer.SerializeToUtf8Bytes(e.Event.Event.Data, Json.Options)) });
            parameters.Add(new() { Value = events.ConvertAll(e => e.Event.TraceParent), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        }

        private static NpgsqlParameter Composites<T>(List<T> rows, string type) => new() { Value = rows, DataTypeName = type + "[]" };

        private void Add(int item, Change change)
        {
            var payment = change.After;
            var isNew = change.Before == 0;
            (merchants[item - 1], modes[item - 1], ids[item - 1], expecteds[item - 1]) = (payment.MerchantId.Value, Words.Of(payment.Mode), payment.Id.Value, change.Before);
            var row = PaymentRow.Of(payment, isNew, item);
            (isNew ? created : changed).Add(row);
            foreach (var operation in change.Touched)
            {
                (isNew ? opened : operations).Add(OperationRow.Of(item, payment, operation));
                for (var n = 0; n < operation.Attempts.Length; n++)
                {
                    (isNew ? firstAttempts : attempts).Add(AttemptRow.Of(item, operation, operation.Attempts[n], n, deadlines));
                }
            }

            AddReferences(item, change);
            if (row.Authorized > row.Captured + row.Released)
            {
                holding.Add(item);
            }

            if (change.Claim is { } claim)
            {
                claims.Add(new(item, Words.Of(claim.Key.Class), claim.Key.Text, claim.Fingerprint, claim.OperationId?.Value));
            }

            if (change.Answer is { } answer)
            {
                answers.Add(new(item, Words.Of(answer.Key.Class), answer.Key.Text, answer.Status, answer.Body));
            }

            if (change.Volume is { } volume)
            {
                volumes.Add(new(item, volume.Currency, volume.Month, volume.AmountMinor, volume.MostMinor));
            }

            if (RestOf(item, change) is { IsNothing: false } others)
            {
                rest.Add(others);
            }
        }

        private void AddReferences(int item, Change change)
        {
            var seen = new HashSet<(Provider?, string)>();
            foreach (var operation in change.Touched)
            {
                foreach (var attempt in operation.Attempts)
                {
                    if (attempt.PaymentReference is { } payment && (operation.Kind == OperationKind.Authorize || operation.IsExtra) && seen.Add((attempt.Provider, payment)))
                    {
                        references.Add(new(item, Words.Of(attempt.Provider), payment, attempt.Id.Value));
                    }

                    if (attempt.ModificationReference is { } modification && seen.Add((attempt.Provider, modification)))
                    {
                        references.Add(new(item, Words.Of(attempt.Provider), modification, attempt.Id.Value));
                    }
                }
            }

            references.AddRange(change.Disputes.Select(d => new ReferenceRow(item, Words.Of(d.Provider), d.Reference, null)));
        }

        private RestRow RestOf(int item, Change change)
        {
            var payment = change.After;
            return new RestRow(item)
            {
                Disputes = change.Disputes.Count == 0 ? null : [.. change.Disputes.Select(d => DisputeRow.Of(d, deadlines))],
                Release = change.Release is { } release ? new KeyRow(release.Class, release.Text) : null,
                Notices = change.Notices.Count == 0 ? null : [.. change.Notices.Select(n => new NoticeRow(n.Provider, n.NoticeId, n.Verdict))],
                Held = change.Held is { } held ? new HeldRow(held.Id.Value, held.Fence) : null,
                Recoveries = change.Recoveries.Count == 0 ? null : [.. change.Recoveries.Select(r => new RecoveryRow(r.Id.Value, r.Kind, r.Subject, r.Actor, r.Reason, r.AttemptId?.Value, r.Before, r.After))],
                Incidents = change.Incidents.Count == 0 ? null : [.. change.Incidents.Select(n => new IncidentRow(n.Id.Value, n.Kind, n.AttemptId?.Value, n.Detail, n.Subject))],
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
    }

    private sealed record ReferenceRow(int Item, string Provider, string Reference, Guid? AttemptId);

    private sealed record ClaimRow(int Item, string KeyClass, string Key, byte[] Fingerprint, Guid? OperationId);

    private sealed record AnswerRow(int Item, string KeyClass, string Key, int? Status, byte[]? Body);

    private sealed record VolumeRow(int Item, string Currency, DateOnly Month, long Amount, long? Most);

    /// <summary>What few changes have: a document.</summary>
    private sealed record RestRow(int N)
    {
        public IReadOnlyList<DisputeRow>? Disputes { get; init; }
        public KeyRow? Release { get; init; }
        public IReadOnlyList<NoticeRow>? Notices { get; init; }
        public IReadOnlyList<IncidentRow>? Incidents { get; init; }
        public HeldRow? Held { get; init; }
        public IReadOnlyList<RecoveryRow>? Recoveries { get; init; }
        public bool? Recovered { get; init; }
        public NameRow? Reserve { get; init; }
        public AttributionRow? Attribution { get; init; }
        public DecisionRow? Decision { get; init; }
        public ReviewRow? Review { get; init; }
        public bool? ReviewOver { get; init; }
        public ContextRow? Context { get; init; }

        [JsonIgnore]
        public bool IsNothing => this == new RestRow(N);
    }

    private sealed record KeyRow(Core.Seams.KeyClass KeyClass, string Key);

    private sealed record NoticeRow(Provider Provider, string NoticeId, string Verdict);

    private sealed record IncidentRow(Guid Id, string Kind, Guid? AttemptId, string Detail, string? Subject);

    private sealed record NameRow(Provider Provider, string Reference);

    private sealed record AttributionRow(Guid Break, string By, string Reason);

    private sealed record DecisionRow(ReviewOutcome Outcome, bool Automatic, string By, string? Reason, Guid? OperatorKeyId, double EffectIn);

    private sealed record ReviewRow(int? Score, double DueIn);

    private sealed record ContextRow(string Sealed, string DataKey, string? Customer, string? Email, string? Ip, string? Device);

    private sealed record HeldRow(Guid AttemptId, long Fence);

    private sealed record RecoveryRow(Guid Id, string Kind, string Subject, string Actor, string Reason, Guid? AttemptId, JsonElement Before, JsonElement After);
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
            new PaymentEventData(happening.AsOf.View(), happening.Operation, happening.Fees)
            {
                Authorization = happening.Authorization,
                Dispute = happening.Dispute,
                Moved = happening.Moved,
            })))]);
    }
}
