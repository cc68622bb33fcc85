using Npgsql;

namespace Payments.Platform.Postgres;

public static class Commands
{
    /// <summary>
    /// A batch whose statements look rows up by key, one by one, whatever the planner makes of a table's size: a plan that was made while
    /// the tables were small is kept by the session, and would read them whole when they are large. One plan serves any number of keys,
    /// where the planner would make a new one for every call. Its first result is empty of meaning: a reader goes to the next.
    /// </summary>
    public static NpgsqlBatch CreateKeyedBatch(this NpgsqlDataSource database, string sql, params ReadOnlySpan<object?> values)
    {
        ArgumentNullException.ThrowIfNull(database);
        var batch = database.CreateBatch();
        batch.BatchCommands.Add(ByKey());
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        batch.BatchCommands.Add(command);
        return batch;
    }

    /// <summary>What makes the rest of a transaction such a one.</summary>
    public static NpgsqlBatchCommand ByKey() =>
        new("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_material', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)");

    /// <summary>Adds positional parameters (<c>$1</c>, <c>$2</c>…) in order; null is SQL's NULL.</summary>
    public static NpgsqlCommand With(this NpgsqlCommand command, params ReadOnlySpan<object?> values)
    {
        ArgumentNullException.ThrowIfNull(command);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }
}
