using System.Data.Common;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Api.Merchants;

/// <summary>API keys in the database: hashes, and signing secrets sealed.</summary>
internal static class KeyStore
{
    private const string Columns = "id, merchant_id, mode, class, name, last4, scopes, signing, rolled_to, created_at, expires_at, revoked_at";

    /// <summary>A fresh key text of the form <c>sk_test_…</c>.</summary>
    public static string NewText(KeyClass @class, Mode mode) => SecretKeys.New(PrefixOf(@class, mode));

    public static string PrefixOf(KeyClass @class, Mode mode) => $"{(@class == KeyClass.Secret ? "sk" : "pk")}_{ModeNames.Of(mode)}_";

    public static string NewSigningSecret() => SecretKeys.New("ssec_");

    /// <summary>False where this very key is stored already.</summary>
    public static async Task<bool> InsertAsync(NpgsqlTransaction transaction, KeyView key, string text, string? sealedSigningSecret, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO api_keys (id, merchant_id, mode, class, name, hash, last4, scopes, signing, signing_secret)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (hash) DO NOTHING
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(
            key.Id.Value, key.MerchantId.Value, ModeNames.Of(key.Mode), key.Class == KeyClass.Secret ? "secret" : "publishable", key.Name,
            SecretKeys.Hash(text), text[^4..], key.Scopes?.ToArray(), key.Signing.ToString().ToLowerInvariant(), sealedSigningSecret);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>A key of this merchant, held until the transaction ends.</summary>
    public static async Task<KeyView?> LockAsync(NpgsqlTransaction transaction, MerchantId merchant, ApiKeyId id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {Columns} FROM api_keys WHERE id = $1 AND merchant_id = $2 FOR UPDATE", transaction.Connection, transaction)
            .With(id.Value, merchant.Value);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    /// <summary>Newest first, one more than <paramref name="limit"/>.</summary>
    public static async Task<List<KeyView>> ListAsync(NpgsqlDataSource database, MerchantId merchant, Guid? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {Columns} FROM api_keys WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3")
            .With(merchant.Value, after, limit + 1);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<KeyView>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(Read(reader));
        }

        return found;
    }

    /// <summary>Ends the old key after <paramref name="overlap"/>, or at its earlier end.</summary>
    public static async Task RollAsync(NpgsqlTransaction transaction, ApiKeyId old, ApiKeyId successor, TimeSpan overlap, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("UPDATE api_keys SET rolled_to = $2, expires_at = least(expires_at, now() + $3) WHERE id = $1", transaction.Connection, transaction)
            .With(old.Value, successor.Value, overlap);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Ends a key now; a key that was revoked before keeps its time.</summary>
    public static async Task RevokeAsync(NpgsqlTransaction transaction, ApiKeyId id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1", transaction.Connection, transaction).With(id.Value);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Whom a key that works now speaks for.</summary>
    public static async Task<KeyIdentity?> FindAsync(NpgsqlDataSource database, string hash, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT k.id, k.merchant_id, k.mode, k.class, m.active, k.signing, k.signing_secret, k.scopes, m.requests_per_second
            FROM api_keys k JOIN merchants m ON m.id = k.merchant_id
            WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
            """;
        await using var command = database.CreateCommand(sql).With(hash);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new KeyIdentity(
                new ApiKeyId(row.GetGuid(0)), new MerchantId(row.GetGuid(1)), ModeOf(row.GetString(2)), ClassOf(row.GetString(3)), row.GetBoolean(4),
                row.IsDBNull(6) ? null : new KeySigning(row.GetString(6), Required: row.GetString(5) == "required"),
                row.IsDBNull(7) ? null : row.GetFieldValue<string[]>(7), row.IsDBNull(8) ? null : row.GetInt32(8))
            : null;
    }

    private static KeyView Read(DbDataReader row) => new(
        new ApiKeyId(row.GetGuid(0)), "api_key", new MerchantId(row.GetGuid(1)), ModeOf(row.GetString(2)), ClassOf(row.GetString(3)),
        row.IsDBNull(4) ? null : row.GetString(4), row.GetString(5), row.IsDBNull(6) ? null : row.GetFieldValue<string[]>(6),
        Enum.Parse<KeySigningPolicy>(row.GetString(7), ignoreCase: true), row.IsDBNull(8) ? null : new ApiKeyId(row.GetGuid(8)),
        row.GetFieldValue<DateTimeOffset>(9), row.IsDBNull(10) ? null : row.GetFieldValue<DateTimeOffset>(10), row.IsDBNull(11) ? null : row.GetFieldValue<DateTimeOffset>(11));

    private static Mode ModeOf(string word) => word == "live" ? Mode.Live : Mode.Test;

    private static KeyClass ClassOf(string word) => word == "secret" ? KeyClass.Secret : KeyClass.Publishable;
}
