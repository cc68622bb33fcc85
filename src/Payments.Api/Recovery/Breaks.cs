using System.Diagnostics.Metrics;
using System.Text.Json;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>What of a charge stands in suspense.</summary>
public enum BreakKind
{
    /// <summary>Money that was taken.</summary>
    Charge,

    /// <summary>An authorization that holds money.</summary>
    Hold,
}

public enum BreakStatus
{
    Open,
    Closed,
}

/// <summary>A charge in suspense, from being found to having a merchant.</summary>
/// <param name="PaymentId">The payment that it becomes, or has become.</param>
public sealed record Break(
    BreakId Id, string Object, BreakStatus Status, BreakKind Kind, Provider Provider, Mode Mode, string ProviderReference, long Amount, string Currency, string Detail,
    string? Owner, PaymentId PaymentId, MerchantId? MerchantId, DateTimeOffset OpenedAt, long AgeSeconds, DateTimeOffset? ClosedAt, string? ClosedBy, string? CloseReason);

/// <summary>Charges that nobody here can be found for. Their money is in the ledger from the commit in which the break is written.</summary>
public sealed class Breaks(NpgsqlDataSource database, OutboxSignal signal, Recoveries recoveries, IdSource ids, TimeProvider time, ILogger<Breaks> logger)
{
    private const string Columns = """
        id, status, kind, provider, mode, reference, amount, currency, detail, owner, payment_id, merchant_id, opened_at,
        extract(epoch FROM coalesce(closed_at, now()) - opened_at)::bigint, closed_at, closed_by, close_reason
        """;

    private static readonly Meter Meter = new("Payments.Api");
    private static long open;

    static Breaks() => Meter.CreateObservableGauge("payments.breaks.open", () => Interlocked.Read(ref open), "{break}", "Charges in suspense.");

    /// <summary>Writes break, event, incident and recovery in one transaction; false where the charge stands in suspense already.</summary>
    public async Task<bool> OpenAsync(ProviderCharge charge, string finder, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(charge);
        var amount = Recovering.SuspendedMinor(charge);
        if (amount == 0)
        {
            return false;
        }

        using var span = Recoveries.Start(RecoveryKinds.ChargeSuspended, null);
        var blank = Phantoms.BlankOf(charge, null, ids.New<PaymentId>(), ids.New<AttemptId>(), ids.New<OperationId>(), time.GetUtcNow());
        var happening = Recovering.Unattributed(charge, blank, ids.New<OperationId>());
        var found = new Break(
            ids.New<BreakId>(), "break", BreakStatus.Open, charge.CapturedMinor > 0 ? BreakKind.Charge : BreakKind.Hold, charge.Provider, charge.Mode, charge.Reference,
            amount, charge.Currency, Describe(charge), null, blank.Id, null, blank.Opened.At, 0, null, null, null);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await InsertAsync(transaction, found, charge, cancellationToken))
        {
            return false;
        }

        var raised = new PaymentEvent(
            ids.New<Core.EventId>(), happening.Type, blank.Id, blank.MerchantId, charge.Mode, happening.AsOf.Version, blank.Opened.At,
            new PaymentEventData(happening.AsOf.View(), happening.Operation, null));
        var name = $"{Words.Of(charge.Provider)}:{Words.Of(charge.Mode)}:{charge.Reference}";
        var recovered = Recovered.Of(ids.New<RecoveryId>(), RecoveryKinds.ChargeSuspended, name, finder, "Nobody here can be found for it.", charge, found) with { Mode = charge.Mode };
        await Recoveries.RecordAsync(transaction, recovered, cancellationToken);
        await RaiseAsync(transaction, found, name, cancellationToken);
        // Last: every payment of the partition waits behind its head.
        await OutboxWriter.AppendAsync(connection, transaction, [TracedEvent.InCurrentTrace(raised)], cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        signal.Committed();
        recoveries.Tell(recovered);
        Log.ChargeSuspended(logger, charge.Provider, charge.Reference, found.Detail);
        return true;
    }

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<Break>> ListAsync(BreakStatus? status, Guid? after, int limit, CancellationToken cancellationToken)
    {
        const string sql = $"""
            SELECT {Columns} FROM breaks
            WHERE ($1::text IS NULL OR status = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
            """;
        await using var command = database.CreateCommand(sql).With(status is { } wanted ? Words.Of(wanted) : null, after, limit);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Break>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(Read(row));
        }

        return found;
    }

    /// <summary>A break, and the charge as it was found.</summary>
    public async Task<(Break Break, ProviderCharge Charge)?> FindAsync(BreakId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {Columns}, charge FROM breaks WHERE id = $1").With(id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? (Read(row), JsonSerializer.Deserialize<ProviderCharge>(row.GetString(17), Json.Options)!) : null;
    }

    /// <summary>Gives a break to somebody; false where there is none.</summary>
    public static async Task<bool> AssignAsync(NpgsqlTransaction transaction, BreakId id, string owner, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        await using var command = new NpgsqlCommand("UPDATE breaks SET owner = $2 WHERE id = $1", transaction.Connection, transaction).With(id.Value, owner);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>For the metric.</summary>
    public async Task CountAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM breaks WHERE status = 'open'");
        Interlocked.Exchange(ref open, (long)(await command.ExecuteScalarAsync(cancellationToken))!);
    }

    private static async Task<bool> InsertAsync(NpgsqlTransaction transaction, Break found, ProviderCharge charge, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO breaks (id, provider, mode, reference, payment_id, kind, amount, currency, charge, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (provider, mode, reference) DO NOTHING
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(
            found.Id.Value, Words.Of(found.Provider), Words.Of(found.Mode), found.ProviderReference, found.PaymentId.Value, Words.Of(found.Kind), found.Amount, found.Currency,
            JsonSerializer.Serialize(charge, Json.Options), found.Detail);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private async Task RaiseAsync(NpgsqlTransaction transaction, Break found, string subject, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO incidents (id, mode, kind, detail, subject) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (kind, mode, subject) WHERE closed_at IS NULL DO NOTHING
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(
            ids.New<IncidentId>().Value, Words.Of(found.Mode), IncidentKinds.UnattributedCharge, $"Break {found.Id}: {found.Detail}", subject);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Describe(ProviderCharge charge) =>
        $"{Words.Of(charge.Provider)} has {charge.Reference} over {charge.Amount}, made {charge.CreatedAt:O}; it names merchant {charge.MerchantId?.ToString() ?? "none"}, "
        + $"payment {charge.PaymentId?.ToString() ?? "none"}, attempt {charge.AttemptId?.ToString() ?? "none"}, which do not fit what stands here.";

    private static Break Read(NpgsqlDataReader row) => new(
        new BreakId(row.GetGuid(0)), "break", Words.Parse<BreakStatus>(row.GetString(1)), Words.Parse<BreakKind>(row.GetString(2)), Words.Parse<Provider>(row.GetString(3)),
        Words.Parse<Mode>(row.GetString(4)), row.GetString(5), row.GetInt64(6), row.GetString(7), row.GetString(8), row.IsDBNull(9) ? null : row.GetString(9),
        new PaymentId(row.GetGuid(10)), row.IsDBNull(11) ? null : new MerchantId(row.GetGuid(11)), row.GetFieldValue<DateTimeOffset>(12), row.GetInt64(13),
        row.IsDBNull(14) ? null : row.GetFieldValue<DateTimeOffset>(14), row.IsDBNull(15) ? null : row.GetString(15), row.IsDBNull(16) ? null : row.GetString(16));
}
