using System.Collections.Immutable;
using Npgsql;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;

namespace Payments.IntegrationTests.Fraud;

/// <summary>Models that are simple enough to be computed by hand, and a payment that one has scored.</summary>
internal static class ModelSample
{
    private static readonly IdSource Ids = new(TimeProvider.System);

    /// <summary>Amounts above 500 add 1 to the log-odds, others take 1 away.</summary>
    public static Ensemble Simple(string version, double start) => new(
        new(version, "hand", 0, 0, 86_400, 100, 10, ImmutableSortedDictionary<string, double>.Empty), ["amount"], start,
        [new([new TreeNode(0, 500, 1, 2, true, 0, 100), TreeNode.Leaf(-1, 90), TreeNode.Leaf(1, 10)])], new PlattCalibration(1, 0, 1_000));

    /// <summary>A card of which a fraud is known is rejected (95), any other approved (2).</summary>
    public static Ensemble OfKnownFrauds(string version) => new(
        new(version, "hand", 0, 0, 86_400, 100, 10, ImmutableSortedDictionary<string, double>.Empty), ["card_frauds_28d"], -4,
        [new([new TreeNode(0, 0.5f, 1, 2, true, 0, 100), TreeNode.Leaf(0, 90), TreeNode.Leaf(7, 10)])], new PlattCalibration(1, 0, 1_000));

    /// <summary>A candidate of live payments, which decides nothing, and a payment that it once scored.</summary>
    public static async Task<(string Model, string Payment)> AddAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        var model = await new ModelRegistry(database).AddAsync(
            Ids.New<FraudModelId>(), Mode.Live, null, Simple($"sample {Ids.New<RequestId>()}", -3), 100, "test", cancellationToken);
        var payment = Ids.New<PaymentId>();
        var row = new float[FeatureCatalogue.Count];
        row.AsSpan().Fill(float.NaN);
        row[0] = 700;
        const string sql = """
            WITH known AS (INSERT INTO model_catalogues (id, names) VALUES ($5, $6) ON CONFLICT DO NOTHING)
            INSERT INTO model_rows (payment_id, mode, merchant_id, at, amount, card, customer, ip, device, email, ordinary, catalogue, features, champion_id, score)
            VALUES ($1, 'live', $2, now(), 70000, 1, 0, 0, 0, 0, true, $5, $3, $4, 11.9)
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = payment.Value });
        command.Parameters.Add(new() { Value = Ids.New<MerchantId>().Value });
        command.Parameters.Add(new() { Value = FeatureRowCode.Encode(row) });
        command.Parameters.Add(new() { Value = model.Id.Value });
        command.Parameters.Add(new() { Value = FeatureCatalogue.Id });
        command.Parameters.Add(new() { Value = FeatureCatalogue.Names.ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
        return (model.Id.ToString(), payment.ToString());
    }
}
