using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Api.Privacy;

/// <summary>Whose data is to go: within one merchant and mode, by either name.</summary>
/// <param name="Email">In lower case.</param>
public sealed record Person(MerchantId MerchantId, Mode Mode, string? CustomerReference, string? Email)
{
    /// <summary>Never prints personal data.</summary>
    public override string ToString() => "Person";
}

/// <summary>What an erasure found. The payments and tokens themselves stay as they are.</summary>
public sealed record ErasureView(ErasureId Id, string Object, MerchantId MerchantId, Mode Mode, long Payments, long Tokens, DateTimeOffset ErasedAt);

/// <summary>
/// Erases what merchants told of their customers. The books are not touched: payments, their events and journals never held any of it.
/// The vault is asked first, so that a repeat after a crash finds again what is left.
/// </summary>
public sealed class Erasures(NpgsqlDataSource database, IVault vault, PersonalData personal, IdSource ids)
{
    /// <summary>Tokens of one person's payments that are told to the vault at once.</summary>
    private const int MostTokens = 10_000;

    /// <summary>How long fraud signals are kept.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(730);

    /// <summary>Of one payment; false where there is no such payment.</summary>
    public async Task<bool> ErasePaymentAsync(MerchantId merchant, Mode mode, PaymentId payment, string actor, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var known = new NpgsqlCommand("SELECT EXISTS (SELECT FROM payments WHERE merchant_id = $1 AND mode = $2 AND id = $3)", connection, transaction)
            .With(merchant.Value, Words.Of(mode), payment.Value))
        {
            if (await known.ExecuteScalarAsync(cancellationToken) is not true)
            {
                return false;
            }
        }

        var erased = await DeleteAsync(transaction, merchant, mode, "payment_id = $3", cancellationToken, payment.Value);
        if (erased > 0)
        {
            await RecordAsync(transaction, merchant, mode, actor, "payment", payment, erased, 0, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>Asks the vault to forget the person; to be done before <see cref="ErasePersonAsync"/>.</summary>
    public async Task<long> EraseTokensAsync(Person person, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(person);
        var (customer, email) = HashesOf(person);
        await using var command = database.CreateCommand($"""
            SELECT DISTINCT p.token_id FROM risk_contexts AS c
            JOIN payments AS p ON p.merchant_id = c.merchant_id AND p.mode = c.mode AND p.id = c.payment_id
            WHERE c.merchant_id = $1 AND c.mode = $2 AND (c.customer = $3 OR c.email = $4) AND p.token_id IS NOT NULL
            LIMIT {MostTokens}
            """).With(person.MerchantId.Value, Words.Of(person.Mode));
        Add(command, customer, email);
        var tokens = new List<TokenId>();
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                tokens.Add(TokenId.From(row.GetGuid(0)));
            }
        }

        return await vault.EraseAsync(person.MerchantId, person.Mode, new ContextErasure(tokens, email is null ? null : Convert.ToBase64String(email)), cancellationToken);
    }

    public async Task<ErasureView> ErasePersonAsync(NpgsqlTransaction transaction, Person person, long tokens, string actor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(person);
        var (customer, email) = HashesOf(person);
        var erased = await DeleteAsync(transaction, person.MerchantId, person.Mode, "(customer = $3 OR email = $4)", cancellationToken, customer, email);
        return await RecordAsync(transaction, person.MerchantId, person.Mode, actor, "person", null, erased, tokens, cancellationToken);
    }

    /// <summary>Deletes what is older than the retention, in bites; returns how many that were.</summary>
    public async Task<int> ForgetOldAsync(CancellationToken cancellationToken)
    {
        const string sql = """
            WITH old AS (
                SELECT merchant_id, mode, payment_id FROM risk_contexts WHERE payment_id < uuid_floor(now() - $1) ORDER BY payment_id LIMIT 5000
            ), keys AS (
                DELETE FROM risk_context_keys AS k USING old WHERE k.merchant_id = old.merchant_id AND k.mode = old.mode AND k.payment_id = old.payment_id
            )
            DELETE FROM risk_contexts AS c USING old WHERE c.merchant_id = old.merchant_id AND c.mode = old.mode AND c.payment_id = old.payment_id
            """;
        await using var command = database.CreateCommand(sql).With(Retention);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>What is kept of one payment; null where nothing is.</summary>
    public async Task<Told?> FindAsync(MerchantId merchant, Mode mode, PaymentId payment, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT c.sealed, k.data_key FROM risk_contexts AS c
            JOIN risk_context_keys AS k ON k.merchant_id = c.merchant_id AND k.mode = c.mode AND k.payment_id = c.payment_id
            WHERE c.merchant_id = $1 AND c.mode = $2 AND c.payment_id = $3
            """;
        await using var command = database.CreateCommand(sql).With(merchant.Value, Words.Of(mode), payment.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? personal.Open(payment, row.GetString(0), row.GetString(1)) : null;
    }

    private (byte[]? Customer, byte[]? Email) HashesOf(Person person) =>
        (personal.CustomerOf(person.MerchantId, person.Mode, person.CustomerReference), personal.EmailOf(person.MerchantId, person.Mode, person.Email));

    /// <summary>The key first: without it nothing opens the rest.</summary>
    private static async Task<long> DeleteAsync(
        NpgsqlTransaction transaction, MerchantId merchant, Mode mode, string which, CancellationToken cancellationToken, params object?[] values)
    {
        var sql = $"""
            WITH erased AS (
                DELETE FROM risk_contexts WHERE merchant_id = $1 AND mode = $2 AND {which} RETURNING payment_id
            ), keys AS (
                DELETE FROM risk_context_keys WHERE merchant_id = $1 AND mode = $2 AND payment_id IN (SELECT payment_id FROM erased)
            )
            SELECT count(*) FROM erased
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(merchant.Value, Words.Of(mode));
        if (values is [Guid payment])
        {
            command.Parameters.Add(new() { Value = payment });
        }
        else
        {
            Add(command, (byte[]?)values[0], (byte[]?)values[1]);
        }

        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static void Add(NpgsqlCommand command, params byte[]?[] hashes)
    {
        foreach (var hash in hashes)
        {
            command.Parameters.Add(new() { Value = (object?)hash ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea });
        }
    }

    private async Task<ErasureView> RecordAsync(
        NpgsqlTransaction transaction, MerchantId merchant, Mode mode, string actor, string by, PaymentId? payment, long payments, long tokens, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO erasures (id, merchant_id, mode, actor, by, payment_id, payments, tokens) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING at
            """;
        var id = ids.New<ErasureId>();
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(id.Value, merchant.Value, Words.Of(mode), actor, by);
        command.Parameters.Add(new() { Value = (object?)payment?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        command.With(payments, tokens);
        var at = await command.ExecuteScalarAsync(cancellationToken);
        return new ErasureView(id, "erasure", merchant, mode, payments, tokens, new DateTimeOffset((DateTime)at!));
    }
}
