using System.Collections.Immutable;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Postgres;

namespace Payments.Api.Flow;

/// <summary>Whose payment, in which mode: what every query by id must carry.</summary>
public readonly record struct PaymentKey(MerchantId MerchantId, Mode Mode, PaymentId Id)
{
    public static PaymentKey Of(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return new(payment.MerchantId, payment.Mode, payment.Id);
    }
}

/// <summary>What the table of idempotency keys knows of a merchant's request.</summary>
/// <param name="Status">HTTP status of the final answer; null while there is none.</param>
public sealed record StoredRequest(byte[] Fingerprint, PaymentId PaymentId, OperationId? OperationId, RequestState State, int? Status, byte[]? Body, TimeSpan Age);

public enum RequestState
{
    Running,

    /// <summary>Answered with 202; the transaction that settles the operation stores the final answer.</summary>
    Unresolved,
    Final,
}

/// <summary>Reads payments with their operations and attempts, in one round trip; what is asked for at the same time shares it.</summary>
public sealed class PaymentStore
{
    private readonly NpgsqlDataSource database;
    private readonly GroupReader<PaymentKey, PaymentState> payments;
    private readonly GroupReader<Names, Located> names;

    public PaymentStore(NpgsqlDataSource database)
    {
        this.database = database;
        payments = new(async (keys, cancellation) => (await ReadAsync(keys, cancellation)).ToDictionary(PaymentKey.Of));
        names = new(LocateAsync);
    }

    public Task<PaymentState?> FindAsync(PaymentKey key, CancellationToken cancellationToken) => payments.ReadAsync(key, cancellationToken);

    /// <summary>Several payments at once, in the order of the keys; those that do not exist are left out.</summary>
    public async Task<IReadOnlyList<PaymentState>> ReadAsync(IReadOnlyList<PaymentKey> keys, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (keys.Count == 0)
        {
            return [];
        }

        await using var batch = new NpgsqlBatch();
        Commands(batch, $"SELECT {PaymentRow.Columns} FROM {Wanted} JOIN payments AS p ON p.merchant_id = w.merchant_id AND p.mode = w.mode AND p.id = w.id ORDER BY w.n", keys);
        Commands(batch, $"SELECT {OperationRow.Columns} FROM {Wanted} JOIN operations AS o ON o.merchant_id = w.merchant_id AND o.mode = w.mode AND o.payment_id = w.id ORDER BY o.position", keys);
        Commands(batch, $"SELECT {AttemptRow.Columns} FROM {Wanted} JOIN attempts AS a ON a.merchant_id = w.merchant_id AND a.mode = w.mode AND a.payment_id = w.id ORDER BY a.position", keys);
        return await IsolatedAsync(batch, cancellationToken);
    }

    public async Task<StoredRequest?> FindRequestAsync(MerchantId merchant, Mode mode, RequestKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        const string sql = """
            SELECT fingerprint, payment_id, operation_id, state, status, body, coalesce(now() - finished_at, interval '0')
            FROM payment_requests
            WHERE merchant_id = $1 AND mode = $2 AND key_class = $3 AND key = $4
              AND (finished_at IS NULL OR finished_at >= now() - interval '24 hours')
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = merchant.Value });
        command.Parameters.Add(new() { Value = Words.Of(mode) });
        command.Parameters.Add(new() { Value = Words.Of(key.Class) });
        command.Parameters.Add(new() { Value = key.Text });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new StoredRequest(
                row.GetFieldValue<byte[]>(0), PaymentId.From(row.GetGuid(1)), row.IsDBNull(2) ? null : OperationId.From(row.GetGuid(2)),
                Words.Parse<RequestState>(row.GetString(3)), row.IsDBNull(4) ? null : row.GetInt32(4), row.IsDBNull(5) ? null : row.GetFieldValue<byte[]>(5),
                row.GetTimeSpan(6))
            : null;
    }

    /// <summary>Finds the payment that a provider's fact is about: by its names for it, else by what it echoes of ours.</summary>
    /// <param name="reference">What the provider calls the payment.</param>
    /// <param name="modification">What it calls the part of it that the fact is about.</param>
    public async Task<PaymentKey?> LocateAsync(
        Mode mode, Provider provider, string? reference, string? modification, AttemptId? attempt, PaymentId? payment, CancellationToken cancellationToken) =>
        (await names.ReadAsync(new(mode, provider, reference ?? "", modification ?? "", attempt?.Value ?? Guid.Empty, payment?.Value ?? Guid.Empty), cancellationToken))?.Key;

    private async Task<IReadOnlyDictionary<Names, Located>> LocateAsync(IReadOnlyList<Names> asked, CancellationToken cancellationToken)
    {
        // By the whole key (OFFSET 0): joined, all names that a provider ever gave are read for each, until statistics say otherwise.
        const string sql = """
            SELECT w.n, coalesce(r.merchant_id, a.merchant_id, p.merchant_id), coalesce(r.payment_id, a.payment_id, p.id)
            FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS w (mode, provider, reference, modification, attempt, payment, n)
            LEFT JOIN LATERAL (
                SELECT k.merchant_id, k.payment_id FROM (VALUES (w.reference), (w.modification)) AS name (given)
                CROSS JOIN LATERAL (
                    SELECT merchant_id, payment_id FROM provider_references
                    WHERE provider = w.provider AND mode = w.mode AND reference = name.given OFFSET 0) AS k
                WHERE name.given <> '' LIMIT 1) AS r ON true
            LEFT JOIN LATERAL (
                SELECT merchant_id, payment_id FROM attempts
                WHERE r.payment_id IS NULL AND id = w.attempt AND mode = w.mode AND provider = w.provider LIMIT 1) AS a ON true
            LEFT JOIN LATERAL (
                SELECT merchant_id, id FROM payments
                WHERE r.payment_id IS NULL AND a.payment_id IS NULL AND id = w.payment AND mode = w.mode AND provider = w.provider LIMIT 1) AS p ON true
            WHERE coalesce(r.payment_id, a.payment_id, p.id) IS NOT NULL
            """;
        await using var batch = database.CreateKeyedBatch(
            sql, Each(n => Words.Of(n.Mode)), Each(n => Words.Of(n.Provider)), Each(n => n.Reference), Each(n => n.Modification), Each(n => n.Attempt), Each(n => n.Payment));
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        await row.NextResultAsync(cancellationToken);
        var located = new Dictionary<Names, Located>(asked.Count);
        while (await row.ReadAsync(cancellationToken))
        {
            var names = asked[(int)row.GetInt64(0) - 1];
            located.Add(names, new(new PaymentKey(MerchantId.From(row.GetGuid(1)), names.Mode, PaymentId.From(row.GetGuid(2)))));
        }

        return located;

        T[] Each<T>(Func<Names, T> part) => [.. asked.Select(part)];
    }

    /// <summary>The payment that an operation belongs to, within one merchant and mode.</summary>
    public async Task<PaymentKey?> LocateAsync(MerchantId merchant, Mode mode, OperationId operation, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT payment_id FROM operations WHERE id = $1 AND merchant_id = $2 AND mode = $3");
        command.Parameters.Add(new() { Value = operation.Value });
        command.Parameters.Add(new() { Value = merchant.Value });
        command.Parameters.Add(new() { Value = Words.Of(mode) });
        return await command.ExecuteScalarAsync(cancellationToken) is Guid id ? new PaymentKey(merchant, mode, PaymentId.From(id)) : null;
    }

    /// <summary>One payment's page where the merchant is not known to the caller: the page that a customer comes back to.</summary>
    public async Task<PaymentKey?> LocateAsync(PaymentId payment, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT merchant_id, mode FROM payments WHERE id = $1");
        command.Parameters.Add(new() { Value = payment.Value });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? new PaymentKey(MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), payment) : null;
    }

    private const string Wanted = "unnest($1, $2, $3) WITH ORDINALITY AS w (merchant_id, mode, id, n)";

    private static void Commands(NpgsqlBatch batch, string sql, IReadOnlyList<PaymentKey> keys) => batch.BatchCommands.Add(new NpgsqlBatchCommand(sql)
    {
        Parameters =
        {
            new() { Value = keys.Select(k => k.MerchantId.Value).ToArray() },
            new() { Value = keys.Select(k => Words.Of(k.Mode)).ToArray() },
            new() { Value = keys.Select(k => k.Id.Value).ToArray() },
        },
    });

    /// <summary>The three readings see one moment, so that no payment is met between two of its versions.</summary>
    private async Task<IReadOnlyList<PaymentState>> IsolatedAsync(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        batch.Connection = connection;
        batch.BatchCommands.Insert(0, new NpgsqlBatchCommand("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
        batch.BatchCommands.Insert(1, Platform.Postgres.Commands.ByKey());
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        await row.NextResultAsync(cancellationToken);
        return await AssembleAsync(row, cancellationToken);
    }

    private static async Task<IReadOnlyList<PaymentState>> AssembleAsync(NpgsqlDataReader row, CancellationToken cancellationToken)
    {
        var payments = new List<PaymentState>();
        while (await row.ReadAsync(cancellationToken))
        {
            payments.Add(PaymentRow.Read(row));
        }

        await row.NextResultAsync(cancellationToken);
        var operations = new List<(PaymentId Payment, Operation Operation)>();
        while (await row.ReadAsync(cancellationToken))
        {
            operations.Add(OperationRow.Read(row));
        }

        await row.NextResultAsync(cancellationToken);
        var attempts = new List<(PaymentId Payment, OperationId Operation, Attempt Attempt)>();
        while (await row.ReadAsync(cancellationToken))
        {
            attempts.Add(AttemptRow.Read(row));
        }

        var attemptsOf = attempts.ToLookup(a => (a.Payment, a.Operation), a => a.Attempt);
        var operationsOf = operations.ToLookup(o => o.Payment, o => o.Operation with { Attempts = [.. attemptsOf[(o.Payment, o.Operation.Id)]] });
        return [.. payments.Select(p => p with { Operations = [.. operationsOf[p.Id]] })];
    }

    /// <summary>What a provider's fact names; empty where it does not.</summary>
    private sealed record Names(Mode Mode, Provider Provider, string Reference, string Modification, Guid Attempt, Guid Payment);

    private sealed record Located(PaymentKey Key);
}
