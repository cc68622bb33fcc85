using System.Reflection;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Rules;

/// <summary>
/// Whose rules and lists a request is about: a merchant's in one mode (<c>/internal/v1/merchants/{merchant_id}/{mode}/…</c>), or
/// whatever an operator names.
/// </summary>
internal readonly record struct RiskScope(MerchantId? Merchant, Mode? Mode)
{
    /// <summary>Binds from the route; a path that names no merchant or mode is a bug of the caller and answers 400.</summary>
    public static ValueTask<RiskScope> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var values = context.Request.RouteValues;
        if (!values.ContainsKey("merchant_id"))
        {
            return ValueTask.FromResult(default(RiskScope));
        }

        return Id.TryParse<MerchantId>(values["merchant_id"] as string, out var merchant) && ModeNames.TryParse(values["mode"] as string, out var mode)
            ? ValueTask.FromResult(new RiskScope(merchant, mode))
            : throw new BadHttpRequestException("The path names no merchant and mode.");
    }

    public bool IsOperator => Mode is null;

    public IdempotencyScope Idempotency => Merchant is { } merchant && Mode is { } mode ? IdempotencyScope.Of(merchant, mode) : IdempotencyScope.Operators;

    /// <summary>Which rows a request may see: conditions over <c>$1</c> (mode) and <c>$2</c> (merchant); an operator may leave both out.</summary>
    public string Visible => IsOperator ? "($1::text IS NULL OR mode = $1) AND ($2::uuid IS NULL OR merchant_id = $2)" : "mode = $1 AND merchant_id = $2";

    /// <summary>The values of <see cref="Visible"/>; for an operator what the query asks for.</summary>
    public static NpgsqlParameter[] Values(Mode? mode, MerchantId? merchant) =>
    [
        new() { Value = mode is { } m ? ModeNames.Of(m) : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
        new() { Value = (object?)merchant?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid },
    ];
}

/// <summary>Who changed what, before and after; written in the transaction of the change.</summary>
internal static class RiskAudit
{
    public static async Task AppendAsync(
        NpgsqlTransaction transaction, HttpContext context, Mode mode, Guid? merchant, string action, Guid subject, object? before, object? after, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO risk_audit (mode, merchant_id, actor, action, object, before, after) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb)
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
        {
            Parameters =
            {
                new() { Value = ModeNames.Of(mode) },
                new() { Value = (object?)merchant ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid },
                new() { Value = InternalHeaders.ActorOf(context) },
                new() { Value = action },
                new() { Value = subject },
                new() { Value = Text(before), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
                new() { Value = Text(after), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Changes of one owner's rules or lists come one after the other, so that a limit on their number holds.</summary>
    public static async Task LineUpAsync(NpgsqlTransaction transaction, Mode mode, Guid? merchant, CancellationToken cancellationToken)
    {
        await using var line = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", transaction.Connection, transaction)
            .With($"risk/{ModeNames.Of(mode)}/{merchant}");
        await line.ExecuteNonQueryAsync(cancellationToken);
    }

    private static object Text(object? value) => value is null ? DBNull.Value : JsonSerializer.Serialize(value, Json.Options);
}

/// <summary>One change as it is told.</summary>
internal sealed record RiskChange(long Number, Mode Mode, MerchantId? MerchantId, DateTimeOffset At, string Actor, string Action, string Subject, JsonElement? Before, JsonElement? After)
{
    public string Object { get; } = "risk_change";
}

/// <summary><c>GET risk/changes</c>: the audit, newest first.</summary>
internal static class ListChanges
{
    public static async Task<IResult> HandleAsync(RiskScope scope, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, before) = (query.Limit(), query.CursorNumber());
        var (mode, merchant) = scope.IsOperator ? (query.Choice<Mode>("mode"), query.Id<MerchantId>("merchant_id")) : (scope.Mode, scope.Merchant);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand($"""
            SELECT id, mode, merchant_id, at, actor, action, object, before::text, after::text FROM risk_audit
            WHERE {scope.Visible} AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4
            """);
        command.Parameters.AddRange(RiskScope.Values(mode, merchant));
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = limit + 1 });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var changes = new List<RiskChange>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var action = reader.GetString(5);
            changes.Add(new RiskChange(
                reader.GetInt64(0), Words.Parse<Mode>(reader.GetString(1)), reader.IsDBNull(2) ? null : new MerchantId(reader.GetGuid(2)), reader.GetFieldValue<DateTimeOffset>(3),
                reader.GetString(4), action,
                action.StartsWith("rule", StringComparison.Ordinal) ? new RiskRuleId(reader.GetGuid(6)).ToString() : new RiskListEntryId(reader.GetGuid(6)).ToString(),
                Element(reader, 7), Element(reader, 8)));
        }

        return Results.Json(Page.Of(changes, limit, c => Cursor.Of(c.Number)), Json.Options);
    }

    private static JsonElement? Element(NpgsqlDataReader reader, int place) =>
        reader.IsDBNull(place) ? null : JsonSerializer.Deserialize<JsonElement>(reader.GetString(place), Json.Options);
}
