using Npgsql;
using Payments.Core;
using Payments.Platform.Secrets;

namespace Payments.Fraud.Lists;

/// <summary>One entry as its owner sees it.</summary>
/// <param name="MerchantId">Absent: of the platform, for every merchant.</param>
internal sealed record ListEntry(
    RiskListEntryId Id, Mode Mode, ListAction Action, ListKind Kind, string Value, MerchantId? MerchantId, string? Reason, string CreatedBy, DateTimeOffset CreatedAt)
{
    public const string Columns = "id, mode, action, kind, value, sealed, merchant_id, reason, created_by, created_at";

    public string Object { get; } = "risk_list_entry";

    /// <summary>What seals an entry's text: bound to the entry.</summary>
    public static string Purpose(Guid id) => $"risk-list-entry/{id:N}";

    public static ListEntry Read(NpgsqlDataReader reader, SecretBox box) => new(
        new RiskListEntryId(reader.GetGuid(0)),
        Words.Parse<Mode>(reader.GetString(1)),
        Words.Parse<ListAction>(reader.GetString(2)),
        Words.Parse<ListKind>(reader.GetString(3)),
        reader.IsDBNull(5) ? reader.GetString(4) : box.Open(reader.GetString(5), Purpose(reader.GetGuid(0))),
        reader.IsDBNull(6) ? null : new MerchantId(reader.GetGuid(6)),
        reader.IsDBNull(7) ? null : reader.GetString(7),
        reader.GetString(8),
        reader.GetFieldValue<DateTimeOffset>(9));

    /// <summary>For the audit, which keeps no personal data.</summary>
    public object Audited() => new { Action, Kind, Value = ListKinds.IsSecret(Kind) ? null : Value, Reason };
}
