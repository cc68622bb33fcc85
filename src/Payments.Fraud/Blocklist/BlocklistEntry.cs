using Npgsql;
using Payments.Core;

namespace Payments.Fraud.Blocklist;

internal enum BlockKind
{
    /// <summary>The vault's fingerprint of one card.</summary>
    Fingerprint,

    /// <summary>The first six digits of a card number.</summary>
    Bin,
}

/// <summary>One entry as operators see it.</summary>
/// <param name="MerchantId">Absent: the entry counts for every merchant.</param>
internal sealed record BlocklistEntry(BlocklistEntryId Id, BlockKind Kind, string Value, MerchantId? MerchantId, string? Reason, DateTimeOffset CreatedAt)
{
    public const string Columns = "id, kind, value, merchant_id, reason, created_at";

    public string Object { get; } = "blocklist_entry";

    public static BlocklistEntry Read(NpgsqlDataReader reader) => new(
        new BlocklistEntryId(reader.GetGuid(0)),
        Enum.Parse<BlockKind>(reader.GetString(1), ignoreCase: true),
        reader.GetString(2),
        reader.IsDBNull(3) ? null : new MerchantId(reader.GetGuid(3)),
        reader.IsDBNull(4) ? null : reader.GetString(4),
        reader.GetFieldValue<DateTimeOffset>(5));
}
