using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Fraud.Blocklist;

/// <summary><c>GET /internal/v1/ops/blocklist</c>, newest first, of both modes unless one is asked for.</summary>
internal static class ListEntries
{
    public static async Task<IResult> HandleAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, before, mode) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        const string sql = $"SELECT {BlocklistEntry.Columns} FROM blocklist WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR mode = $3) ORDER BY id DESC LIMIT $2";
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = limit + 1 });
        command.Parameters.Add(new() { Value = mode is { } only ? ModeNames.Of(only) : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var entries = new List<BlocklistEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(BlocklistEntry.Read(reader));
        }

        return Results.Json(Page.Of(entries, limit, e => Cursor.Of(e.Id.Value)), Json.Options);
    }
}
