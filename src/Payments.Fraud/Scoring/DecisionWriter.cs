using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Rules;
using Payments.Fraud.Velocity;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Scoring;

/// <summary>A decision and what it was made of.</summary>
internal sealed record DecisionRow(
    FraudRequest Request, EntityKeys Keys, Observed Observed, PaymentFacts Facts, FraudDecision Decision, IReadOnlyList<ModelFactor> Model, IReadOnlyList<string> Without);

/// <summary>
/// Keeps decisions, those that come together in one round trip. The first decision about an attempt is given at once and its row follows
/// within a fifth of a second. Whoever asks again waits for the row, and is given the decision that stands. Where rows cannot be
/// written, or too many follow, everybody waits, and the payment path decides by amount when its time is over.
/// </summary>
internal sealed class DecisionWriter : IAsyncDisposable
{
    private const char Comma = ',';

    // Rows in order of their keys, so that two replicas never wait for each other.
    private const string InsertAttempts = """
        INSERT INTO attempts (attempt, mode, payment_id, merchant_id, card, customer, ip, device, email, at, in_redis)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS a (attempt, mode, payment_id, merchant_id, card, customer, ip, device, email, at, in_redis)
        ORDER BY attempt
        ON CONFLICT (attempt) DO NOTHING
        """;

    private const string InsertDecisions = """
        INSERT INTO decisions (payment_id, merchant_id, mode, score, verdict, factors, attempt, three_d_secure, confidence, model_version, model_factors, without, facts, counters)
        SELECT payment_id, merchant_id, mode, score, verdict, string_to_array(factors, ','), attempt, three_d_secure, confidence, model_version, model_factors::jsonb,
            string_to_array(without, ','), facts::jsonb, counters
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            AS d (payment_id, merchant_id, mode, score, verdict, factors, attempt, three_d_secure, confidence, model_version, model_factors, without, facts, counters)
        ORDER BY payment_id
        ON CONFLICT (payment_id) DO NOTHING
        RETURNING payment_id
        """;

    private const string Standing = """
        SELECT payment_id, score, verdict, factors, three_d_secure, confidence, model_version FROM decisions WHERE payment_id = ANY ($1)
        """;

    /// <summary>Decisions that are given while their rows are on the way; a crash overtakes no more than these.</summary>
    private const int MostFollowing = 256;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly Meter Meter = new("Payments.Fraud");
    private static readonly Counter<long> Lost = Meter.CreateCounter<long>("payments.fraud.decisions.lost", "{decision}", "Decisions that were given and could not be kept.");
    private static readonly GroupWriterOptions Options = new() { Patience = TimeSpan.FromSeconds(1), RetryDelay = TimeSpan.FromMilliseconds(20), Gather = TimeSpan.FromMilliseconds(200) };

    private readonly NpgsqlDataSource database;
    private readonly TimeProvider time;
    private readonly ILogger<DecisionWriter> logger;
    private readonly GroupWriter<DecisionRow, Kept> writer;
    private readonly ConcurrentDictionary<Task, PaymentId> following = new();
    private volatile bool failing;
    private volatile bool stopping;
    private int followingCount;

    private readonly record struct Kept(FraudDecision Decision);

    public DecisionWriter(NpgsqlDataSource database, IdSource ids, TimeProvider time, ILogger<DecisionWriter> logger)
    {
        (this.database, this.time, this.logger) = (database, time, logger);
        writer = new("fraud.decisions", row => row.Request.PaymentId.Value, WriteBatchAsync, Options, ids, time);
    }

    /// <summary>The decision that stands, or will.</summary>
    public async ValueTask<FraudDecision> KeepAsync(DecisionRow row, CancellationToken cancellationToken)
    {
        if (!row.Observed.IsFirst || failing || Volatile.Read(ref followingCount) >= MostFollowing)
        {
            return await WriteAsync(row, isAwaited: true).WaitAsync(cancellationToken);
        }

        var follows = FollowAsync(row);
        following[follows] = row.Request.PaymentId;
        _ = ForgetAsync(follows);
        return row.Decision;
    }

    /// <summary>Waits until decisions that were given before stand, or for the limit.</summary>
    public async Task CaughtUpAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (!following.IsEmpty)
        {
            writer.Hurry();
            await Task.WhenAll(following.Keys).WaitAsync(limit, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public ValueTask DisposeAsync()
    {
        stopping = true;
        return writer.DisposeAsync();
    }

    private async Task<FraudDecision> WriteAsync(DecisionRow row, bool isAwaited)
    {
        try
        {
            var kept = await (isAwaited ? writer.WriteUrgentAsync(row) : writer.WriteAsync(row));
            failing = false;
            return kept.Decision;
        }
        catch (Exception)
        {
            failing = true;
            throw;
        }
    }

    /// <summary>Until the row stands: an outage of the database costs nothing that was decided before it.</summary>
    private async Task FollowAsync(DecisionRow row)
    {
        Interlocked.Increment(ref followingCount);
        try
        {
            while (!await TryFollowAsync(row))
            {
                await Task.Delay(Pause, time);
            }
        }
        finally
        {
            Interlocked.Decrement(ref followingCount);
        }
    }

    private async Task ForgetAsync(Task follows)
    {
        await follows;
        following.TryRemove(follows, out _);
    }

    /// <returns>False: later.</returns>
    private async Task<bool> TryFollowAsync(DecisionRow row)
    {
        try
        {
            var standing = await WriteAsync(row, isAwaited: false);
            if (standing.Verdict != row.Decision.Verdict)
            {
                Log.DecisionStoodAlready(logger, row.Request.PaymentId, row.Decision.Verdict, standing.Verdict);
            }

            return true;
        }
        catch (Exception e) when (Outage.IsOne(e) && !stopping)
        {
            return false;
        }
#pragma warning disable CA1031 // Nobody waits for this row any more: whatever keeps it from being written is told here.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Lost.Add(1);
            Log.DecisionLost(logger, row.Request.PaymentId, e.Message);
            return true;
        }
    }

    private async Task<IReadOnlyList<Kept>> WriteBatchAsync(Guid number, IReadOnlyList<DecisionRow> rows, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT set_config('synchronous_commit', 'off', true)"));
        var attempts = rows.Where(r => !r.Observed.IsRecorded).DistinctBy(r => r.Keys.Attempt).ToArray();
        if (attempts.Length > 0)
        {
            batch.BatchCommands.Add(Attempts(attempts));
        }

        batch.BatchCommands.Add(Decisions(rows));
        var overtaken = rows.Select(r => r.Request.PaymentId.Value).ToHashSet();
        await using (var written = await batch.ExecuteReaderAsync(cancellationToken))
        {
            await written.NextResultAsync(cancellationToken);
            while (await written.ReadAsync(cancellationToken))
            {
                overtaken.Remove(written.GetGuid(0));
            }
        }

        var standing = overtaken.Count == 0 ? [] : await StandingAsync([.. overtaken], cancellationToken);
        return [.. rows.Select(r => r.Request.PaymentId.Value is var payment && !overtaken.Contains(payment) ? new Kept(r.Decision)
            : standing.TryGetValue(payment, out var decision) ? new Kept(decision)
            : throw new InvariantException("a decision that was written or in the way is there"))];
    }

    private async Task<Dictionary<Guid, FraudDecision>> StandingAsync(Guid[] payments, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Standing);
        command.Parameters.Add(new() { Value = payments });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var standing = new Dictionary<Guid, FraudDecision>();
        while (await reader.ReadAsync(cancellationToken))
        {
            standing[reader.GetGuid(0)] = Read(reader);
        }

        return standing;
    }

    private static FraudDecision Read(NpgsqlDataReader reader)
    {
        var verdict = Words.Parse<FraudVerdict>(reader.GetString(2));
        return new FraudDecision(reader.GetInt16(1), verdict, reader.GetFieldValue<string[]>(3))
        {
            // A decision from before authentication was decided about says it by its verdict.
            ThreeDSecure = verdict == FraudVerdict.Challenge ? ThreeDSecureRequest.Challenge
                : reader.IsDBNull(4) ? ThreeDSecureRequest.None
                : Words.Parse<ThreeDSecureRequest>(reader.GetString(4)),
            Confidence = reader.IsDBNull(5) ? null : Math.Round(reader.GetFloat(5), 4),
            ModelVersion = reader.IsDBNull(6) ? null : reader.GetString(6),
        };
    }

    private static NpgsqlBatchCommand Attempts(DecisionRow[] rows) => new(InsertAttempts)
    {
        Parameters =
        {
            Of(rows, r => r.Keys.Attempt, NpgsqlDbType.Uuid),
            Of(rows, r => ModeNames.Of(r.Request.Mode), NpgsqlDbType.Text),
            Of(rows, r => r.Request.PaymentId.Value, NpgsqlDbType.Uuid),
            Of(rows, r => r.Keys.Merchant, NpgsqlDbType.Uuid),
            Of(rows, r => r.Keys.Card, NpgsqlDbType.Uuid),
            Of(rows, r => r.Keys.Customer, NpgsqlDbType.Uuid),
            Of(rows, r => r.Keys.Ip, NpgsqlDbType.Uuid),
            Of(rows, r => r.Keys.Device, NpgsqlDbType.Uuid),
            Of(rows, r => r.Keys.Email, NpgsqlDbType.Uuid),
            Of(rows, r => r.Observed.At, NpgsqlDbType.TimestampTz),
            Of(rows, r => r.Observed.InRedis, NpgsqlDbType.Boolean),
        },
    };

    private static NpgsqlBatchCommand Decisions(IReadOnlyList<DecisionRow> rows) => new(InsertDecisions)
    {
        Parameters =
        {
            Of(rows, r => r.Request.PaymentId.Value, NpgsqlDbType.Uuid),
            Of(rows, r => r.Request.MerchantId.Value, NpgsqlDbType.Uuid),
            Of(rows, r => ModeNames.Of(r.Request.Mode), NpgsqlDbType.Text),
            Of(rows, r => (short)r.Decision.Score, NpgsqlDbType.Smallint),
            Of(rows, r => Words.Of(r.Decision.Verdict), NpgsqlDbType.Text),
            Of(rows, r => string.Join(Comma, r.Decision.Factors), NpgsqlDbType.Text),
            Of(rows, r => r.Keys.Attempt, NpgsqlDbType.Uuid),
            Of(rows, r => Words.Of(r.Decision.ThreeDSecure), NpgsqlDbType.Text),
            Of(rows, r => (float?)r.Decision.Confidence, NpgsqlDbType.Real),
            Of(rows, r => r.Decision.ModelVersion, NpgsqlDbType.Text),
            Of(rows, r => r.Model.Count == 0 ? null : JsonSerializer.Serialize(r.Model, Json.Options), NpgsqlDbType.Text),
            Of(rows, r => string.Join(Comma, r.Without), NpgsqlDbType.Text),
            Of(rows, r => JsonSerializer.Serialize(r.Facts, StoredFacts.Options), NpgsqlDbType.Text),
            Of(rows, r => r.Facts.Velocity.Pack(), NpgsqlDbType.Bytea),
        },
    };

    private static NpgsqlParameter Of<T>(IReadOnlyList<DecisionRow> rows, Func<DecisionRow, T> value, NpgsqlDbType type) =>
        new NpgsqlParameter<T[]> { TypedValue = [.. rows.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | type };
}

/// <summary>How facts stand in a decision: members that are not known are left out.</summary>
internal static class StoredFacts
{
    public static JsonSerializerOptions Options { get; } = Make();

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions();
        Json.Configure(options, System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip);
        options.DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull;
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
