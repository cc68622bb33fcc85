using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Api.Operators;

/// <summary>The record of what operators did, written in the transaction that does it.</summary>
internal static class Audit
{
    /// <param name="action">What was done, in the form <c>merchant.create</c>.</param>
    /// <param name="target">The id of what it was done to.</param>
    /// <param name="detail">What changed; never a key or secret.</param>
    public static async Task AppendAsync<T>(NpgsqlTransaction transaction, HttpContext context, string action, string target, T detail, CancellationToken cancellationToken)
    {
        var @operator = context.Operator();
        await using var command = new NpgsqlCommand("SELECT audit_append($1, $2, $3, $4, $5, $6)", transaction.Connection, transaction)
            .With(@operator.KeyId.Value, @operator.Name, context.TraceIdentifier, action, target);
        command.Parameters.Add(new NpgsqlParameter { Value = JsonSerializer.SerializeToUtf8Bytes(detail, Json.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
