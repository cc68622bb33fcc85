using Npgsql;
using NpgsqlTypes;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Ledger.Endpoints;

/// <summary>The key under which a change was asked for: kept with the row that it made, for as long as the row stands.</summary>
/// <param name="Text">Null where a service of ours asks without one.</param>
internal sealed record RequestKey(string? Text)
{
    public NpgsqlParameter Parameter => new() { Value = (object?)Text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    public static Read<RequestKey> Read(HttpContext context)
    {
        if (context.Request.Headers[IdempotencyKey.Header].Count == 0)
        {
            return new RequestKey((string?)null);
        }

        return IdempotencyKey.Read(context).Succeeded(out var key, out var problem) ? new RequestKey(key) : problem;
    }
}
