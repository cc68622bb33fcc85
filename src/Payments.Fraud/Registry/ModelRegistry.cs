using System.IO.Compression;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Fraud.Model;
using Payments.Platform.Http;

namespace Payments.Fraud.Registry;

/// <summary>How a promotion ended.</summary>
internal enum PromotionVerdict
{
    Done,
    NotFound,
    NotAllowed,
}

/// <summary>The models in the database of the fraud service.</summary>
internal sealed class ModelRegistry(NpgsqlDataSource database)
{
    /// <summary>Stores a model as a candidate.</summary>
    /// <param name="payments">How many payments its rows stand for.</param>
    /// <exception cref="InvalidDataException">There is a model of this version already.</exception>
    /// <exception cref="EnsembleFormatException">It breaks a rule of the file format.</exception>
    public async Task<ModelRecord> AddAsync(
        FraudModelId id, Mode mode, MerchantId? merchant, Ensemble ensemble, long payments, string by, CancellationToken cancellationToken)
    {
        const string sql = $"""
            WITH added AS (
                INSERT INTO models (id, mode, merchant_id, version, state, trainer, trained_rows, frauds, payments, data_from, data_to, metrics, file)
                VALUES ($1, $2, $3, $4, 'candidate', $5, $6, $7, $8, $9, $10, $11, $12)
                ON CONFLICT DO NOTHING
                RETURNING {ModelRecord.Columns}),
            noted AS (
                INSERT INTO model_changes (model_id, mode, to_state, changed_by) SELECT id, mode, state, $13 FROM added)
            SELECT {ModelRecord.Columns} FROM added
            """;
        var origin = ensemble.Origin;

        // What could not be read back is no model, and is refused here instead of in every replica.
        var file = EnsembleFile.Write(ensemble);
        _ = EnsembleFile.Read(file);
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = id.Value });
        command.Parameters.Add(new() { Value = ModeNames.Of(mode) });
        command.Parameters.Add(new() { Value = (object?)merchant?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = origin.Version });
        command.Parameters.Add(new() { Value = origin.Trainer });
        command.Parameters.Add(new() { Value = origin.Rows });
        command.Parameters.Add(new() { Value = origin.Frauds });
        command.Parameters.Add(new() { Value = payments });
        command.Parameters.Add(new() { Value = DateTimeOffset.FromUnixTimeSeconds(origin.TrainedFrom) });
        command.Parameters.Add(new() { Value = DateTimeOffset.FromUnixTimeSeconds(origin.TrainedTo) });
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(origin.Metrics, Json.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = Pack(file) });
        command.Parameters.Add(new() { Value = by });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? ModelRecord.Read(reader)
            : throw new InvalidDataException($"There is a model {origin.Version} already.");
    }

    public async Task<ModelRecord?> FindAsync(FraudModelId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {ModelRecord.Columns} FROM models WHERE id = $1");
        command.Parameters.Add(new() { Value = id.Value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ModelRecord.Read(reader) : null;
    }

    public static async Task<ModelRecord> ReadAsync(NpgsqlTransaction transaction, FraudModelId id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {ModelRecord.Columns} FROM models WHERE id = $1", transaction.Connection, transaction);
        command.Parameters.Add(new() { Value = id.Value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        Invariant.Holds(await reader.ReadAsync(cancellationToken), "a promoted model exists");
        return ModelRecord.Read(reader);
    }

    public async Task<ModelRecord?> FindAsync(Mode mode, MerchantId? merchant, string version, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            $"SELECT {ModelRecord.Columns} FROM models WHERE mode = $1 AND merchant_id IS NOT DISTINCT FROM $2 AND version = $3");
        command.Parameters.Add(new() { Value = ModeNames.Of(mode) });
        command.Parameters.Add(new() { Value = (object?)merchant?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = version });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ModelRecord.Read(reader) : null;
    }

    /// <summary>Newest first.</summary>
    public async Task<List<ModelRecord>> ListAsync(Mode? mode, ModelState? state, Guid? before, int limit, CancellationToken cancellationToken)
    {
        const string sql = $"""
            SELECT {ModelRecord.Columns} FROM models
            WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR mode = $2) AND ($3::text IS NULL OR state = $3)
            ORDER BY id DESC LIMIT $4
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = mode is { } only ? ModeNames.Of(only) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = state is { } wanted ? Words.Of(wanted) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var models = new List<ModelRecord>();
        while (await reader.ReadAsync(cancellationToken))
        {
            models.Add(ModelRecord.Read(reader));
        }

        return models;
    }

    /// <summary>The models that score: champions and challengers of all scopes.</summary>
    public async Task<List<ModelRecord>> InUseAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {ModelRecord.Columns} FROM models WHERE state IN ('champion', 'challenger') ORDER BY id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var models = new List<ModelRecord>();
        while (await reader.ReadAsync(cancellationToken))
        {
            models.Add(ModelRecord.Read(reader));
        }

        return models;
    }

    /// <exception cref="EnsembleFormatException">What is stored is no model of this version of the program.</exception>
    public async Task<Ensemble> LoadAsync(FraudModelId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT file FROM models WHERE id = $1");
        command.Parameters.Add(new() { Value = id.Value });
        return await command.ExecuteScalarAsync(cancellationToken) is byte[] file
            ? EnsembleFile.Read(Unpack(file))
            : throw new EnsembleFormatException($"There is no model {id}.");
    }

    /// <summary>
    /// Gives a model its new state and the one whose place it takes another, in one transaction. Nothing happens if it is in that state
    /// already. Going back is the promotion of the retired one.
    /// </summary>
    public static async Task<PromotionVerdict> PromoteAsync(NpgsqlTransaction transaction, FraudModelId id, ModelState to, string by, CancellationToken cancellationToken)
    {
        var connection = transaction.Connection!;

        // One promotion at a time; readers do not wait.
        await using (var turn = new NpgsqlCommand("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE", connection, transaction))
        {
            await turn.ExecuteNonQueryAsync(cancellationToken);
        }

        ModelRecord? model;
        await using (var find = new NpgsqlCommand($"SELECT {ModelRecord.Columns} FROM models WHERE id = $1", connection, transaction) { Parameters = { new() { Value = id.Value } } })
        {
            await using var reader = await find.ExecuteReaderAsync(cancellationToken);
            model = await reader.ReadAsync(cancellationToken) ? ModelRecord.Read(reader) : null;
        }

        if (model is null)
        {
            return PromotionVerdict.NotFound;
        }

        if (model.State == to)
        {
            return PromotionVerdict.Done;
        }

        if (!ModelStates.MayBecome(model.State, to))
        {
            return PromotionVerdict.NotAllowed;
        }

        // The place is made free before it is taken: an index allows one champion and one challenger.
        const string sql = """
            WITH replaced AS (
                UPDATE models SET state = $4, state_since = now()
                WHERE state = $3 AND $3 IN ('champion', 'challenger') AND mode = $1 AND merchant_id IS NOT DISTINCT FROM $2
                RETURNING id, mode)
            INSERT INTO model_changes (model_id, mode, from_state, to_state, changed_by) SELECT id, mode, $3, $4, $5 FROM replaced
            """;
        await using (var free = new NpgsqlCommand(sql, connection, transaction))
        {
            free.Parameters.Add(new() { Value = ModeNames.Of(model.Mode) });
            free.Parameters.Add(new() { Value = (object?)model.MerchantId?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
            free.Parameters.Add(new() { Value = Words.Of(to) });
            free.Parameters.Add(new() { Value = Words.Of(ModelStates.AfterBeingReplaced(to)) });
            free.Parameters.Add(new() { Value = by });
            await free.ExecuteNonQueryAsync(cancellationToken);
        }

        const string take = """
            WITH taken AS (UPDATE models SET state = $2, state_since = now() WHERE id = $1 RETURNING id, mode)
            INSERT INTO model_changes (model_id, mode, from_state, to_state, changed_by) SELECT id, mode, $3, $2, $4 FROM taken
            """;
        await using var promote = new NpgsqlCommand(take, connection, transaction);
        promote.Parameters.Add(new() { Value = id.Value });
        promote.Parameters.Add(new() { Value = Words.Of(to) });
        promote.Parameters.Add(new() { Value = Words.Of(model.State) });
        promote.Parameters.Add(new() { Value = by });
        await promote.ExecuteNonQueryAsync(cancellationToken);
        return PromotionVerdict.Done;
    }

    public async Task<PromotionVerdict> PromoteAsync(FraudModelId id, ModelState to, string by, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var verdict = await PromoteAsync(transaction, id, to, by, cancellationToken);
        if (verdict == PromotionVerdict.Done)
        {
            await transaction.CommitAsync(cancellationToken);
        }

        return verdict;
    }

    private static byte[] Pack(byte[] file)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(file);
        }

        return packed.ToArray();
    }

    private static byte[] Unpack(byte[] packed)
    {
        using var gzip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        using var file = new MemoryStream();
        gzip.CopyTo(file);
        return file.ToArray();
    }
}
