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
internal sealed record BlocklistEntry(BlocklistEntryId Id, Mode Mode, BlockKind Kind, string Value, MerchantId? MerchantId, string? Reason, DateTimeOffset CreatedAt)
{
    public const string Columns = "id, mode, kind, value, merchant_id, reason, created_at";

    public string Object { get; } = "blocklist_entry";

    public static BlocklistEntry Read(NpgsqlDataReader reader) => new(
        new BlocklistEntryId(reader.GetGuid(0)),
        Words.Parse<Mode>(reader.GetString(1)),
        Enum.Parse<BlockKind>(reader.GetString(2), ignoreCase: true),
        reader.GetString(3),
        reader.IsDBNull(4) ? null : new MerchantId(reader.GetGuid(4)),
        reader.IsDBNull(5) ? null : reader.GetString(5),
        reader.GetFieldValue<DateTimeOffset>(6));
}
