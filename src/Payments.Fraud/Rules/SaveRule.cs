using System.Text.RegularExpressions;
using Npgsql;
using Payments.Core;
using Payments.Fraud.Velocity;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Rules;

/// <summary><c>POST risk/rules</c>, a rule with its first version, and <c>POST risk/rules/{id}/versions</c>, a further one. Both only draft.</summary>
internal static partial class SaveRule
{
    public const int MostRules = 100;
    public const int MostVersions = 100;

    internal sealed record MerchantRequest(string Name, string Condition, RuleAction Action, string? Reason = null);

    internal sealed record OperatorRequest(Mode Mode, string Name, string Condition, RuleAction Action, MerchantId? MerchantId = null, string? Reason = null);

    internal sealed record VersionRequest(string Condition, RuleAction Action, string? Reason = null);

    private sealed record Wanted(Mode Mode, MerchantId? Merchant, string Name, string Condition, RuleAction Action, string Reason);

    public static async Task<IResult> CreateAsync(RiskScope scope, HttpContext context, IdempotentRequests once, EntityHash hash, CancellationToken cancellationToken)
    {
        Wanted wanted;
        if (scope.IsOperator)
        {
            if (!(await RequestBody.ReadAsync<OperatorRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
            {
                return problem;
            }

            wanted = new(request.Mode, request.MerchantId, request.Name, request.Condition, request.Action, request.Reason ?? request.Name);
        }
        else
        {
            if (!(await RequestBody.ReadAsync<MerchantRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
            {
                return problem;
            }

            wanted = new(scope.Mode!.Value, scope.Merchant, request.Name, request.Condition, request.Action, request.Reason ?? request.Name);
        }

        if (!Name().IsMatch(wanted.Name))
        {
            return Problems.InvalidValue("name", NameExpected);
        }

        return Refuse(wanted.Condition, wanted.Reason, hash) is { } refused
            ? refused
            : await once.RunAsync(context, scope.Idempotency, (work, token) => InsertAsync(work, context, wanted, token), cancellationToken);
    }

    public static async Task<IResult> AddVersionAsync(RiskScope scope, string id, HttpContext context, IdempotentRequests once, EntityHash hash, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<RiskRuleId>(id, out var rule))
        {
            return Problems.NotFound("risk_rule");
        }

        if (!(await RequestBody.ReadAsync<VersionRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return Refuse(request.Condition, request.Reason, hash) is { } refused
            ? refused
            : await once.RunAsync(context, scope.Idempotency, (work, token) => AppendAsync(work, context, scope, rule, request, token), cancellationToken);
    }

    private static Problem? Refuse(string condition, string? reason, EntityHash hash)
    {
        if (condition.Contains('\0', StringComparison.Ordinal) || RuleExpression.Parse(condition, hash, out var error) is null && error is null)
        {
            return Problems.InvalidValue("condition", "A condition is expected.");
        }

        if (RuleExpression.Parse(condition, hash, out error) is null)
        {
            return new Problem(400, "invalid_condition", $"At character {error!.Position}: {error.Message}", "condition");
        }

        return reason is not null && !Name().IsMatch(reason) ? Problems.InvalidValue("reason", NameExpected) : null;
    }

    private static async Task<IdempotentResponse> InsertAsync(IdempotentWork work, HttpContext context, Wanted wanted, CancellationToken cancellationToken)
    {
        var transaction = await work.BeginAsync(cancellationToken);
        await RiskAudit.LineUpAsync(transaction, wanted.Mode, wanted.Merchant?.Value, cancellationToken);
        await using (var count = new NpgsqlCommand("SELECT count(*) FROM rules WHERE mode = $1 AND merchant_id IS NOT DISTINCT FROM $2", transaction.Connection, transaction))
        {
            count.Parameters.AddRange(RiskScope.Values(wanted.Mode, wanted.Merchant));
            if ((long)(await count.ExecuteScalarAsync(cancellationToken))! >= MostRules)
            {
                return new Problem(409, "too_many_risk_rules", $"There may be up to {MostRules} rules in each mode; change one instead.", Problems.Body);
            }
        }

        await using var insert = new NpgsqlCommand(
            "INSERT INTO rules (mode, merchant_id, id, name, latest_version) VALUES ($1, $2, $3, $4, 1) ON CONFLICT (mode, merchant_id, name) DO NOTHING", transaction.Connection, transaction);
        insert.Parameters.AddRange(RiskScope.Values(wanted.Mode, wanted.Merchant));
        insert.With(work.Subject, wanted.Name);
        if (await insert.ExecuteNonQueryAsync(cancellationToken) == 0)
        {
            return new Problem(409, "risk_rule_exists", "There is a rule of this name; add a version to it.", "name");
        }

        var id = new RiskRuleId(work.Subject);
        await InsertVersionAsync(transaction, context, wanted.Mode, id, 1, wanted.Condition, wanted.Action, wanted.Reason, cancellationToken);
        return await ToldAsync(transaction, context, new RiskScope(wanted.Merchant, null), id, 1, "rule.create", null, cancellationToken);
    }

    private static async Task<IdempotentResponse> AppendAsync(IdempotentWork work, HttpContext context, RiskScope scope, RiskRuleId id, VersionRequest request, CancellationToken cancellationToken)
    {
        var transaction = await work.BeginAsync(cancellationToken);
        if (await RiskRule.FindAsync(transaction.Connection!, transaction, scope, id, cancellationToken) is not { } rule)
        {
            return Problems.NotFound("risk_rule");
        }

        var next = rule.Versions[0].Version + 1;
        if (next > MostVersions)
        {
            return new Problem(409, "too_many_rule_versions", $"A rule has up to {MostVersions} versions; create another rule.", Problems.Body);
        }

        await using var update = new NpgsqlCommand("UPDATE rules SET latest_version = $2 WHERE id = $1", transaction.Connection, transaction).With(id.Value, next);
        await update.ExecuteNonQueryAsync(cancellationToken);
        await InsertVersionAsync(transaction, context, rule.Mode, id, next, request.Condition, request.Action, request.Reason ?? rule.Versions[0].Reason, cancellationToken);
        return await ToldAsync(transaction, context, scope, id, next, "rule.version", rule.Audited(next - 1), cancellationToken);
    }

    private static async Task InsertVersionAsync(
        NpgsqlTransaction transaction, HttpContext context, Mode mode, RiskRuleId id, int version, string condition, RuleAction action, string reason, CancellationToken cancellationToken)
    {
        const string sql = "INSERT INTO rule_versions (mode, rule_id, version, condition, action, reason, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
            .With(ModeNames.Of(mode), id.Value, version, condition, Words.Of(action), reason, InternalHeaders.ActorOf(context));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IdempotentResponse> ToldAsync(
        NpgsqlTransaction transaction, HttpContext context, RiskScope scope, RiskRuleId id, int version, string action, object? before, CancellationToken cancellationToken)
    {
        var rule = await RiskRule.FindAsync(transaction.Connection!, transaction, scope, id, cancellationToken) ?? throw new InvariantException("a rule that was written is there");
        await RiskAudit.AppendAsync(transaction, context, rule.Mode, rule.MerchantId?.Value, action, id.Value, before, rule.Audited(version), cancellationToken);
        return IdempotentResponse.Created(rule);
    }

    private const string NameExpected = "Lower-case letters, digits and underscores are expected, a letter first, up to 50.";

    [GeneratedRegex(@"^[a-z][a-z0-9_]{0,49}\z")]
    private static partial Regex Name();
}
