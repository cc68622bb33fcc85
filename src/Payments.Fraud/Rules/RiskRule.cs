using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Rules;

internal enum RuleStatus
{
    /// <summary>No version decides anything.</summary>
    Draft,
    Active,
}

/// <summary>One version of a rule, which never changes.</summary>
/// <param name="DryRun">What it would have done to past payments; null before it was tried.</param>
internal sealed record RuleVersion(int Version, string Condition, RuleAction Action, string Reason, string CreatedBy, DateTimeOffset CreatedAt, JsonElement? DryRun);

/// <summary>A rule as its owner sees it.</summary>
/// <param name="MerchantId">Absent: of the platform, for every merchant.</param>
/// <param name="Versions">Newest first.</param>
internal sealed record RiskRule(
    RiskRuleId Id, Mode Mode, MerchantId? MerchantId, string Name, bool BuiltIn, int? ActiveVersion, IReadOnlyList<RuleVersion> Versions, DateTimeOffset CreatedAt)
{
    private const string Columns = "r.id, r.mode, r.merchant_id, r.name, r.built_in, r.active_version, r.created_at";

    public string Object { get; } = "risk_rule";

    public RuleStatus Status => ActiveVersion is null ? RuleStatus.Draft : RuleStatus.Active;

    /// <summary>For the audit.</summary>
    public object Audited(int version) => new { Name, ActiveVersion, Version = Versions.Where(v => v.Version == version).Select(v => new { v.Version, v.Condition, v.Action, v.Reason }).FirstOrDefault() };

    /// <summary>Null where the scope sees no such rule. Within a transaction the rule stays as it is until that ends.</summary>
    public static async Task<RiskRule?> FindAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, RiskScope scope, RiskRuleId id, CancellationToken cancellationToken) =>
        await ReadAsync(connection, transaction, scope.Visible, RiskScope.Values(scope.Mode, scope.Merchant), "AND id = $3", [id.Value], transaction is not null, cancellationToken) is [var rule, ..]
            ? rule : null;

    /// <param name="rest">Further conditions over <c>$3</c>…, then order and limit.</param>
    public static async Task<IReadOnlyList<RiskRule>> ReadAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, string visible, NpgsqlParameter[] owner, string rest, object[] values, bool locked, CancellationToken cancellationToken)
    {
        var sql = $"""
            SELECT {Columns}, v.version, v.condition, v.action, v.reason, v.created_by, v.created_at, v.dry_run::text
            FROM (SELECT * FROM rules WHERE {visible} {rest} {(locked ? "FOR UPDATE" : "")}) AS r JOIN rule_versions AS v ON v.rule_id = r.id
            ORDER BY r.id DESC, v.version DESC
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.Parameters.AddRange(owner);
        command.With(values);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rules = new List<(RiskRule Rule, List<RuleVersion> Versions)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (rules.Count == 0 || rules[^1].Rule.Id.Value != reader.GetGuid(0))
            {
                var versions = new List<RuleVersion>();
                rules.Add((new RiskRule(
                    new RiskRuleId(reader.GetGuid(0)), Words.Parse<Mode>(reader.GetString(1)), reader.IsDBNull(2) ? null : new MerchantId(reader.GetGuid(2)), reader.GetString(3),
                    reader.GetBoolean(4), reader.IsDBNull(5) ? null : reader.GetInt32(5), versions, reader.GetFieldValue<DateTimeOffset>(6)), versions));
            }

            rules[^1].Versions.Add(new RuleVersion(
                reader.GetInt32(7), reader.GetString(8), Words.Parse<RuleAction>(reader.GetString(9)), reader.GetString(10), reader.GetString(11), reader.GetFieldValue<DateTimeOffset>(12),
                reader.IsDBNull(13) ? null : JsonSerializer.Deserialize<JsonElement>(reader.GetString(13), Json.Options)));
        }

        return [.. rules.Select(r => r.Rule)];
    }
}
