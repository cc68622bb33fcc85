using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Payments.Core;

namespace Payments.Ledger.Books;

/// <summary>An account as the posting table names it: before currency, mode and sub-account are known.</summary>
/// <param name="Owner"><c>mer_…</c>, <c>stripe</c>, <c>adyen</c> or <c>platform</c>.</param>
public readonly record struct AccountName(string Owner, AccountKind Kind);

/// <summary>An account of the books. Its id is a function of what it is, so that nobody has to look it up or agree on it.</summary>
/// <param name="Partition">Sub-account, or <see cref="Chart.Whole"/>.</param>
public sealed record Account(Mode Mode, string Owner, AccountKind Kind, Currency Currency, int Partition)
{
    public const string Platform = "platform";

    /// <summary>The account that <paramref name="name"/> means for a journal of ledger partition <paramref name="partition"/>.</summary>
    public static Account Of(Mode mode, AccountName name, Currency currency, int partition) =>
        new(mode, name.Owner, name.Kind, currency, Chart.Of(name.Kind).Split ? partition : Chart.Whole);

    public static string OwnedBy(Provider provider) => provider switch
    {
        Provider.Stripe => "stripe",
        Provider.Adyen => "adyen",
        _ => throw new InvariantException($"provider {provider} has no accounts"),
    };

    public static string Text(Mode mode) => mode == Mode.Live ? "live" : "test";

    /// <summary>A UUIDv8 (RFC 9562) over the account's natural key.</summary>
    public AccountId Id => new(DerivedId.Version8(string.Create(
        CultureInfo.InvariantCulture, $"account|{Text(Mode)}|{Owner}|{Chart.Of(Kind).Code}|{Currency.Code}|{Partition}")));
}

/// <summary>Ids of accounts, each worked out once: a batch meets few accounts many times.</summary>
internal sealed class AccountIds
{
    private readonly Dictionary<Account, Guid> known = [];

    /// <summary>All that were asked for.</summary>
    public IReadOnlyDictionary<Account, Guid> Known => known;

    public Guid Of(Account account)
    {
        if (!known.TryGetValue(account, out var id))
        {
            known.Add(account, id = account.Id.Value);
        }

        return id;
    }
}

/// <summary>Ids that follow from what they identify.</summary>
internal static class DerivedId
{
    public static Guid Version8(string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return Stamp(hash[..16], version: 8);
    }

    /// <summary>A UUIDv7 of the same millisecond as <paramref name="parent"/>, so that both lie in the partition of one month.</summary>
    public static Guid Version7(Guid parent, int line)
    {
        Span<byte> input = stackalloc byte[20];
        parent.TryWriteBytes(input, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(input[16..], line);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, hash);
        input[..6].CopyTo(hash);
        return Stamp(hash[..16], version: 7);
    }

    /// <summary>A UUIDv7 of that millisecond that follows from what is identified.</summary>
    public static Guid Version7(string name, DateTimeOffset at)
    {
        Span<byte> bytes = stackalloc byte[16];
        Version8(name).TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(bytes, (at.ToUnixTimeMilliseconds() << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]));
        return Version7(new Guid(bytes, bigEndian: true), 0);
    }

    /// <summary>The smallest id of that one's millisecond.</summary>
    public static Guid First(Guid id) => Within(id, 0x00);

    /// <summary>The largest id of that one's millisecond.</summary>
    public static Guid Last(Guid id) => Within(id, 0xFF);

    private static Guid Within(Guid id, byte rest)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[6..].Fill(rest);
        return new Guid(bytes, bigEndian: true);
    }

    private static Guid Stamp(Span<byte> bytes, int version)
    {
        bytes[6] = (byte)((bytes[6] & 0x0F) | (version << 4));
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
