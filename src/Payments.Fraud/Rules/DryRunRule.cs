using System.Globalization;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Fraud.Scoring;
using Payments.Fraud.Velocity;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Rules;

/// <summary>What a version would have done in one currency, in minor units.</summary>
internal sealed record DryRunAmount(string Currency, long FraudPayments, long FraudAmount, long OtherPayments, long OtherAmount);

/// <summary>What a version would have done to past payments.</summary>
/// <param name="Payments">How many were looked at.</param>
/// <param name="Matched">Of how many of them the condition is true.</param>
/// <param name="Complete">False where there were more payments than are looked at; the newest were.</param>
internal sealed record DryRunResult(int Version, int Days, long Payments, long Matched, IReadOnlyList<DryRunAmount> Amounts, bool Complete, string Summary, DateTimeOffset At)
{
    public string Object { get; } = "rule_dry_run";
}

/// <summary>
/// <c>POST risk/rules/{id}/dry_run {version?, days?}</c>: asks a version about the owner's past payments, by the facts and counters that their
/// decisions kept. Fraud is what a label says is fraud; everything else is told as other.
/// </summary>
internal static class DryRunRule
{
    public const int MostPayments = 100_000;
    public const int DefaultDays = 30;
    public const int MostDays = 90;

    internal sealed record Request(int? Version = null, int Days = DefaultDays);

    public static async Task<IResult> HandleAsync(
        RiskScope scope, string id, HttpContext context, IdempotentRequests once, NpgsqlDataSource database, EntityHash hash, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<RiskRuleId>(id, out var rule))
        {
            return Problems.NotFound("risk_rule");
        }

        if (!(await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        return request.Days is < 1 or > MostDays
            ? Problems.InvalidValue("days", $"A whole number from 1 to {MostDays} is expected.")
            : await once.RunAsync(context, scope.Idempotency, (work, token) => RunAsync(work, scope, rule, request, database, hash, token), cancellationToken);
    }

    private static async Task<IdempotentResponse> RunAsync(
        IdempotentWork work, RiskScope scope, RiskRuleId id, Request request, NpgsqlDataSource database, EntityHash hash, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (await RiskRule.FindAsync(connection, null, scope, id, cancellationToken) is not { } rule)
        {
            return Problems.NotFound("risk_rule");
        }

        var number = request.Version ?? rule.Versions[0].Version;
        if (rule.Versions.FirstOrDefault(v => v.Version == number) is not { } version)
        {
            return Problems.InvalidValue("version", "The number of one of the rule's versions is expected.");
        }

        var condition = RuleExpression.Parse(version.Condition, hash, out var error) ?? throw new InvariantException($"a saved condition can be read: {error!.Message}");
        var result = await TryAsync(connection, rule, version, condition, request.Days, cancellationToken);
        var transaction = await work.BeginAsync(cancellationToken);
        await using var update = new NpgsqlCommand("UPDATE rule_versions SET dry_run = $3::jsonb WHERE rule_id = $1 AND version = $2", transaction.Connection, transaction)
            .With(id.Value, number, JsonSerializer.Serialize(result, Json.Options));
        await update.ExecuteNonQueryAsync(cancellationToken);
        return IdempotentResponse.Ok(result);
    }

    private static async Task<DryRunResult> TryAsync(NpgsqlConnection connection, RiskRule rule, RuleVersion version, RuleExpression condition, int days, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT d.facts::text, d.counters, (SELECT bool_or(fraud) FROM labels AS l WHERE l.payment_id = d.payment_id), p.first_at IS NULL OR p.first_at > d.decided_at, now()
            FROM decisions AS d
            LEFT JOIN attempts AS a ON a.attempt = d.attempt
            LEFT JOIN purchases AS p ON p.mode = d.mode AND p.merchant_id = d.merchant_id AND p.card = a.card
            WHERE d.mode = $1 AND ($2::uuid IS NULL OR d.merchant_id = $2) AND d.decided_at > now() - make_interval(days => $3) AND d.facts IS NOT NULL
            ORDER BY d.decided_at DESC LIMIT $4
            """;
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(RiskScope.Values(rule.Mode, rule.MerchantId));
        command.With(days, MostPayments + 1);
        var (payments, matched, at) = (0L, 0L, DateTimeOffset.UnixEpoch);
        var amounts = new SortedDictionary<string, DryRunAmount>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (payments < MostPayments && await reader.ReadAsync(cancellationToken))
        {
            payments++;
            at = reader.GetFieldValue<DateTimeOffset>(4);
            var facts = JsonSerializer.Deserialize<PaymentFacts>(reader.GetString(0), StoredFacts.Options)!;
            facts = facts with { FirstPurchase = facts.FirstPurchase ?? reader.GetBoolean(3), Velocity = VelocityReading.Unpack(reader.IsDBNull(1) ? [] : reader.GetFieldValue<byte[]>(1)) };
            if (condition.Matches(facts))
            {
                matched++;
                var sum = amounts.GetValueOrDefault(facts.Currency) ?? new DryRunAmount(facts.Currency, 0, 0, 0, 0);
                amounts[facts.Currency] = !reader.IsDBNull(2) && reader.GetBoolean(2)
                    ? sum with { FraudPayments = sum.FraudPayments + 1, FraudAmount = checked(sum.FraudAmount + facts.Amount) }
                    : sum with { OtherPayments = sum.OtherPayments + 1, OtherAmount = checked(sum.OtherAmount + facts.Amount) };
            }
        }

        var complete = payments < MostPayments || !await reader.ReadAsync(cancellationToken);
        return new DryRunResult(version.Version, days, payments, matched, [.. amounts.Values], complete, Summary(version.Action, payments, matched, amounts.Values), at);
    }

    /// <summary>would have blocked 12 of 4,310 payments: USD 1,940.00 of fraud, 310.00 of other payments.</summary>
    public static string Summary(RuleAction action, long payments, long matched, IReadOnlyCollection<DryRunAmount> amounts)
    {
        var verb = action switch
        {
            RuleAction.Reject => "blocked",
            RuleAction.Review => "reviewed",
            RuleAction.Challenge => "challenged",
            _ => "allowed",
        };
        var told = string.Create(CultureInfo.InvariantCulture, $"would have {verb} {matched:N0} of {payments:N0} payments");
        return amounts.Count == 0 ? told : $"{told}: {string.Join("; ", amounts.Select(a => $"{a.Currency} {Major(a.FraudAmount, a.Currency)} of fraud, {Major(a.OtherAmount, a.Currency)} of other payments"))}";
    }

    private static string Major(long minor, string currency)
    {
        var digits = Currency.TryFind(currency, out var known) ? known.Exponent : 2;
        var major = (decimal)minor;
        for (var i = 0; i < digits; i++)
        {
            major /= 10;
        }

        return major.ToString("N" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }
}
