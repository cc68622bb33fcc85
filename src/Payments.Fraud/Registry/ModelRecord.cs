using System.Text.Json;
using Npgsql;
using Payments.Core;

namespace Payments.Fraud.Registry;

/// <summary>A model as operators see it.</summary>
/// <param name="MerchantId">Null: the model of all merchants.</param>
/// <param name="TrainedRows">Rows it was trained on; good payments may have been sampled.</param>
/// <param name="Payments">Payments that those rows stand for: they say how much a merchant's own model counts.</param>
/// <param name="Metrics">Measured on the newest rows, which were set aside.</param>
internal sealed record ModelRecord(
    FraudModelId Id,
    Mode Mode,
    MerchantId? MerchantId,
    string Version,
    ModelState State,
    string Trainer,
    long TrainedRows,
    long Frauds,
    long Payments,
    DateTimeOffset DataFrom,
    DateTimeOffset DataTo,
    IReadOnlyDictionary<string, double> Metrics,
    DateTimeOffset CreatedAt,
    DateTimeOffset StateSince)
{
    public const string Columns =
        "id, mode, merchant_id, version, state, trainer, trained_rows, frauds, payments, data_from, data_to, metrics, created_at, state_since";

    public string Object { get; } = "model";

    public static ModelRecord Read(NpgsqlDataReader reader) => new(
        new FraudModelId(reader.GetGuid(0)),
        Words.Parse<Mode>(reader.GetString(1)),
        reader.IsDBNull(2) ? null : new MerchantId(reader.GetGuid(2)),
        reader.GetString(3),
        Words.Parse<ModelState>(reader.GetString(4)),
        reader.GetString(5),
        reader.GetInt64(6),
        reader.GetInt64(7),
        reader.GetInt64(8),
        reader.GetFieldValue<DateTimeOffset>(9),
        reader.GetFieldValue<DateTimeOffset>(10),
        JsonSerializer.Deserialize<Dictionary<string, double>>(reader.GetString(11), Json.Options)!,
        reader.GetFieldValue<DateTimeOffset>(12),
        reader.GetFieldValue<DateTimeOffset>(13));
}
