using System.Collections.Immutable;
using Npgsql;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;
using Payments.Platform.Http;

namespace Payments.Fraud.Live;

/// <summary>Why a payment has its score, in named factors.</summary>
internal sealed record ReasonsView(
    PaymentId PaymentId, Mode Mode, MerchantId MerchantId, DateTimeOffset At, FraudModelId ModelId, string ModelVersion, FraudModelId? OwnModelId, double? OwnWeight,
    double Score, double Base, double Raw, IReadOnlyList<RiskFactor> Factors)
{
    public string Object { get; } = "model_reasons";
}

/// <summary>Reasons at the decision and at any later time: the row of features is kept, and so is the model.</summary>
internal sealed class ModelReasons(NpgsqlDataSource database, LoadedModels models)
{
    /// <summary>Two models' contributions are weighed as their scores are; with one they add up to its raw score.</summary>
    public static ImmutableArray<RiskFactor> Of(LoadedModel champion, LoadedModel? own, double weight, ReadOnlySpan<float> row, bool exact) =>
        RiskFactors.Of(Attribute(champion, own, weight, row, exact), row);

    /// <returns>Null where nothing is kept of the payment, or no model has scored it.</returns>
    public async Task<ReasonsView?> ExplainAsync(PaymentId payment, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT r.mode, r.merchant_id, r.at, r.features, c.names, r.champion_id, r.own_id, r.own_weight, r.score
            FROM model_rows AS r JOIN model_catalogues AS c ON c.id = r.catalogue
            WHERE r.payment_id = $1 AND r.champion_id IS NOT NULL AND r.score IS NOT NULL
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = payment.Value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var row = StoredRow.Decode(reader.GetFieldValue<byte[]>(3), reader.GetFieldValue<string[]>(4));
        var (mode, merchant, at) = (Words.Parse<Mode>(reader.GetString(0)), new MerchantId(reader.GetGuid(1)), reader.GetFieldValue<DateTimeOffset>(2));
        var (championId, ownId) = (new FraudModelId(reader.GetGuid(5)), reader.IsDBNull(6) ? (FraudModelId?)null : new FraudModelId(reader.GetGuid(6)));
        var (weight, score) = (reader.IsDBNull(7) ? 0 : reader.GetDouble(7), reader.GetDouble(8));
        await reader.DisposeAsync();

        if (await models.FindAsync(championId, cancellationToken) is not { } champion)
        {
            return null;
        }

        var own = ownId is { } id ? await models.FindAsync(id, cancellationToken) : null;
        var attribution = Attribute(champion, own, own is null ? 0 : weight, row, exact: true);
        return new(
            payment, mode, merchant, at, championId, champion.Record.Version, ownId, ownId is null ? null : weight, score, attribution.Base, attribution.Raw,
            RiskFactors.Of(attribution, row));
    }

    /// <summary><c>GET /internal/v1/ops/risk/payments/{id}/reasons</c></summary>
    public static async Task<IResult> HandleAsync(string id, HttpContext context, ModelReasons reasons, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        return Id.TryParse<PaymentId>(id, out var payment) && await reasons.ExplainAsync(payment, cancellationToken) is { } found
            ? Results.Json(found, Json.Options)
            : Problems.NotFound("payment");
    }

    private static Attribution Attribute(LoadedModel champion, LoadedModel? own, double weight, ReadOnlySpan<float> row, bool exact)
    {
        var global = Of(champion, row, exact);
        if (own is null)
        {
            return global;
        }

        var other = Of(own, row, exact);
        return new(
            (1 - weight) * global.Base + weight * other.Base,
            [.. global.Contributions.Zip(other.Contributions, (g, o) => (1 - weight) * g + weight * o)]);
    }

    private static Attribution Of(LoadedModel model, ReadOnlySpan<float> row, bool exact) => exact ? model.Shapley.Of(row) : model.Paths.Of(row);
}
