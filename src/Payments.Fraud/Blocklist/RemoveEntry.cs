using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Fraud.Blocklist;

/// <summary><c>DELETE /internal/v1/ops/blocklist/{id}</c>.</summary>
internal static class RemoveEntry
{
    public static async Task<IResult> HandleAsync(string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<BlocklistEntryId>(id, out var entry))
        {
            return Problems.NotFound("blocklist_entry");
        }

        await using var command = database.CreateCommand("DELETE FROM blocklist WHERE id = $1");
        command.Parameters.Add(new() { Value = entry.Value });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1
            ? Results.NoContent()
            : Problems.NotFound("blocklist_entry");
    }
}
