using Npgsql;
using Payments.Core;
using Payments.Fraud.Rules;
using Payments.Platform.Http;
using Payments.Platform.Secrets;

namespace Payments.Fraud.Lists;

/// <summary><c>GET risk/lists</c>, newest first; for operators of both modes and all owners unless one is asked for.</summary>
internal static class ListEntries
{
    public static async Task<IResult> HandleAsync(RiskScope scope, HttpContext context, NpgsqlDataSource database, SecretBox box, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, before) = (query.Limit(), query.CursorId());
        var (mode, merchant) = scope.IsOperator ? (query.Choice<Mode>("mode"), query.Id<MerchantId>("merchant_id")) : (scope.Mode, scope.Merchant);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand($"SELECT {ListEntry.Columns} FROM list_entries WHERE {scope.Visible} AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4");
        command.Parameters.AddRange(RiskScope.Values(mode, merchant));
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = limit + 1 });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var entries = new List<ListEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(ListEntry.Read(reader, box));
        }

        return Results.Json(Page.Of(entries, limit, e => Cursor.Of(e.Id.Value)), Json.Options);
    }
}
