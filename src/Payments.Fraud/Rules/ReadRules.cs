using Npgsql;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Fraud.Rules;

/// <summary><c>GET risk/rules</c>, newest first, and <c>GET risk/rules/{id}</c>.</summary>
internal static class ReadRules
{
    public static async Task<IResult> ListAsync(RiskScope scope, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, before) = (query.Limit(), query.CursorId());
        var (mode, merchant) = scope.IsOperator ? (query.Choice<Mode>("mode"), query.Id<MerchantId>("merchant_id")) : (scope.Mode, scope.Merchant);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rest = $"{(before is null ? "" : "AND id < $3")} ORDER BY id DESC LIMIT {limit + 1}";
        var rules = await RiskRule.ReadAsync(connection, null, scope.Visible, RiskScope.Values(mode, merchant), rest, before is { } id ? [id] : [], locked: false, cancellationToken);
        return Results.Json(Page.Of(rules, limit, r => Cursor.Of(r.Id.Value)), Json.Options);
    }

    public static async Task<IResult> GetAsync(RiskScope scope, string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return Id.TryParse<RiskRuleId>(id, out var wanted) && await RiskRule.FindAsync(connection, null, scope, wanted, cancellationToken) is { } rule
            ? Results.Json(rule, Json.Options)
            : Problems.NotFound("risk_rule");
    }
}
