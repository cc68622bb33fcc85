using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Rules;

/// <summary>
/// <c>POST risk/rules/{id}/activate {version}</c>: that version decides from now on; it must have been dry-run, so that whoever activates
/// it knows what it does. <c>POST risk/rules/{id}/deactivate</c>: none does.
/// </summary>
internal static class ActivateRule
{
    internal sealed record Request(int Version);

    internal sealed record NoMembers;

    public static async Task<IResult> ActivateAsync(RiskScope scope, string id, HttpContext context, IdempotentRequests once, RuleBooks books, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<RiskRuleId>(id, out var rule))
        {
            return Problems.NotFound("risk_rule");
        }

        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return await SetAsync(scope, rule, request.Version, context, once, books, cancellationToken);
    }

    public static async Task<IResult> DeactivateAsync(RiskScope scope, string id, HttpContext context, IdempotentRequests once, RuleBooks books, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<RiskRuleId>(id, out var rule))
        {
            return Problems.NotFound("risk_rule");
        }

        return (await RequestBody.ReadOptionalAsync<NoMembers>(context, cancellationToken)).Problem is { } problem
            ? problem
            : await SetAsync(scope, rule, null, context, once, books, cancellationToken);
    }

    private static async Task<IResult> SetAsync(
        RiskScope scope, RiskRuleId id, int? version, HttpContext context, IdempotentRequests once, RuleBooks books, CancellationToken cancellationToken)
    {
        var answer = await once.RunAsync(context, scope.Idempotency, (work, token) => UpdateAsync(work, scope, id, version, context, token), cancellationToken);
        await books.RefreshAsync(cancellationToken);
        return answer;
    }

    private static async Task<IdempotentResponse> UpdateAsync(IdempotentWork work, RiskScope scope, RiskRuleId id, int? version, HttpContext context, CancellationToken cancellationToken)
    {
        var transaction = await work.BeginAsync(cancellationToken);
        if (await RiskRule.FindAsync(transaction.Connection!, transaction, scope, id, cancellationToken) is not { } rule)
        {
            return Problems.NotFound("risk_rule");
        }

        var told = version ?? rule.ActiveVersion ?? rule.Versions[0].Version;
        if (rule.Versions.FirstOrDefault(v => v.Version == told) is not { } wanted)
        {
            return Problems.InvalidValue("version", "The number of one of the rule's versions is expected.");
        }

        // The platform's own first versions were tried before they were shipped.
        if (version is not null && wanted.DryRun is null && !(rule.BuiltIn && wanted.Version == 1))
        {
            return new Problem(409, "rule_not_dry_run", "This version was not tried against past payments yet: dry-run it first.", "version");
        }

        await using var update = new NpgsqlCommand("UPDATE rules SET active_version = $2 WHERE id = $1", transaction.Connection, transaction);
        update.With(id.Value);
        update.Parameters.Add(new() { Value = (object?)version ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Integer });
        await update.ExecuteNonQueryAsync(cancellationToken);
        var changed = rule with { ActiveVersion = version };
        await RiskAudit.AppendAsync(
            transaction, context, rule.Mode, rule.MerchantId?.Value, version is null ? "rule.deactivate" : "rule.activate", id.Value, rule.Audited(told), changed.Audited(told), cancellationToken);
        return IdempotentResponse.Ok(changed);
    }
}
