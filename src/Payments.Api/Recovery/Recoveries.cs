using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>A recovery as it was written.</summary>
public sealed record RecordedRecovery(Recovered Recovered, DateTimeOffset At);

/// <summary>
/// Writes recoveries down. A change of a payment carries its recoveries itself (<see cref="Flow.Change.Recoveries"/>); everything else
/// records them here, in its own transaction where it has one. The same kind and subject again records nothing.
/// </summary>
public sealed class Recoveries(NpgsqlDataSource database, ILogger<Recoveries> logger)
{
    private const string Source = "Payments.Api";

    /// <summary>It is done, and recorded.</summary>
    public const string Done = "done";

    /// <summary>It cannot be done (the provider refuses, a limit is reached): a person is told.</summary>
    public const string Failed = "failed";

    private const string Columns = "id, kind, subject, actor, reason, before::text, after::text, merchant_id, mode, payment_id, attempt_id, at";

    private static readonly ActivitySource Activities = new(Source);
    private static readonly Meter Meter = new(Source);
    private static readonly Counter<long> Counted = Meter.CreateCounter<long>("payments.recoveries", "{recovery}", "What was put right, by kind and outcome.");

    /// <summary>A span around putting something right.</summary>
    public static Activity? Start(string kind, PaymentId? payment)
    {
        var span = Activities.StartActivity($"recover {kind}");
        span?.SetTag("payments.recovery", kind);
        span?.SetTag("payments.payment_id", payment?.ToString());
        return span;
    }

    /// <summary>Records it by itself; false where it was recorded before.</summary>
    public async Task<bool> RecordAsync(Recovered recovered, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(recovered);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var isNew = await InsertAsync(connection, null, recovered, cancellationToken);
        if (isNew)
        {
            Tell(recovered);
        }

        return isNew;
    }

    /// <summary>Records it in the transaction of its effect; call <see cref="Tell"/> once that is committed.</summary>
    public static Task<bool> RecordAsync(NpgsqlTransaction transaction, Recovered recovered, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(recovered);
        return InsertAsync(transaction.Connection!, transaction, recovered, cancellationToken);
    }

    /// <summary>Counts and logs what was recorded.</summary>
    public void Tell(Recovered recovered)
    {
        ArgumentNullException.ThrowIfNull(recovered);
        Count(recovered.Kind, Done);
        Log.Recovered(logger, recovered.Kind, recovered.Subject, recovered.Actor, recovered.Reason);
    }

    public static void Count(string kind, string outcome) => Counted.Add(1, new("payments.recovery", kind), new("payments.outcome", outcome));

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<RecordedRecovery>> ListAsync(PaymentId? payment, string? kind, Guid? after, int limit, CancellationToken cancellationToken)
    {
        const string sql = $"""
            SELECT {Columns} FROM recoveries
            WHERE ($1::uuid IS NULL OR payment_id = $1) AND ($2::text IS NULL OR kind = $2) AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4
            """;
        await using var command = database.CreateCommand(sql).With(payment?.Value, kind, after, limit);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<RecordedRecovery>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(Read(row));
        }

        return found;
    }

    private static async Task<bool> InsertAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, Recovered recovered, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO recoveries (id, kind, subject, actor, reason, merchant_id, mode, payment_id, attempt_id, before, after)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            ON CONFLICT (kind, subject) DO NOTHING
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction).With(recovered.Id.Value, recovered.Kind, recovered.Subject, recovered.Actor, recovered.Reason);
        command.Parameters.Add(Nullable(recovered.MerchantId?.Value, NpgsqlDbType.Uuid));
        command.Parameters.Add(Nullable(recovered.Mode is { } mode ? Words.Of(mode) : null, NpgsqlDbType.Text));
        command.Parameters.Add(Nullable(recovered.PaymentId?.Value, NpgsqlDbType.Uuid));
        command.Parameters.Add(Nullable(recovered.AttemptId?.Value, NpgsqlDbType.Uuid));
        command.Parameters.Add(new() { Value = recovered.Before.GetRawText(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = recovered.After.GetRawText(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private static RecordedRecovery Read(NpgsqlDataReader row) => new(
        new Recovered(
            new RecoveryId(row.GetGuid(0)), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4),
            JsonSerializer.Deserialize<JsonElement>(row.GetString(5)), JsonSerializer.Deserialize<JsonElement>(row.GetString(6)))
        {
            MerchantId = row.IsDBNull(7) ? null : new MerchantId(row.GetGuid(7)),
            Mode = row.IsDBNull(8) ? null : Words.Parse<Mode>(row.GetString(8)),
            PaymentId = row.IsDBNull(9) ? null : new PaymentId(row.GetGuid(9)),
            AttemptId = row.IsDBNull(10) ? null : new AttemptId(row.GetGuid(10)),
        },
        row.GetFieldValue<DateTimeOffset>(11));

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
