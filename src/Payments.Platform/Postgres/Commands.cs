using Npgsql;

namespace Payments.Platform.Postgres;

public static class Commands
{
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
