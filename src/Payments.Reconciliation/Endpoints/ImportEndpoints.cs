using System.Globalization;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Imports;

namespace Payments.Reconciliation.Endpoints;

/// <param name="State">loading, complete, superseded, refused.</param>
/// <param name="RefusedLine">The line because of which the file as a whole was refused.</param>
public sealed record ImportView(
    long Number, string Object, Mode Mode, string Format, string Identity, string File, string Hash, string State, long Accepted, long Quarantined, long? SupersededBy,
    long? RefusedLine, string? RefusedBecause, DateTimeOffset BeganAt, DateTimeOffset? EndedAt);

/// <summary><c>GET imports</c>: newest first; <c>GET imports/{number}/quarantine</c>: its lines that could not be read.</summary>
internal static class ImportEndpoints
{
    public static async Task<IResult> QuarantineAsync(string id, HttpContext context, Quarantine quarantine, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, after) = (query.Limit(), query.CursorNumber());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        return long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && await quarantine.ReadAsync(number, after ?? 0, limit + 1, cancellationToken) is { } lines
            ? TypedResults.Ok(Page.Of(lines, limit, l => Cursor.Of(l.Line)))
            : Problems.NotFound("import");
    }

    public static async Task<IResult> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, after, mode) = (query.Limit(), query.CursorNumber(), query.Choice<Mode>("mode"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand("""
            SELECT number, mode, format, identity, file_name, encode(content_hash, 'hex'), state, lines_accepted, lines_quarantined, superseded_by, refused_line, refused_because, began_at, ended_at
            FROM recon.imports WHERE ($1::bigint IS NULL OR number < $1) AND ($2::text IS NULL OR mode = $2) ORDER BY number DESC LIMIT $3
            """);
        command.With(after, mode is { } m ? ModeNames.Of(m) : null, limit + 1);
        var imports = new List<ImportView>();
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        while (await r.ReadAsync(cancellationToken))
        {
            imports.Add(new(
                r.GetInt64(0), "reconciliation_import", Words.Parse<Mode>(r.GetString(1)), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetString(6), r.GetInt64(7), r.GetInt64(8),
                Number(9), Number(10), r.IsDBNull(11) ? null : r.GetString(11), r.GetFieldValue<DateTimeOffset>(12), r.IsDBNull(13) ? null : r.GetFieldValue<DateTimeOffset>(13)));

            long? Number(int column) => r.IsDBNull(column) ? null : r.GetInt64(column);
        }

        return TypedResults.Ok(Page.Of(imports, limit, i => Cursor.Of(i.Number)));
    }
}
