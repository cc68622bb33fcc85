using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Ledger.Payouts;

/// <summary>A version of the settings of a merchant's payouts.</summary>
/// <param name="AccountVersion">The version that first had this account.</param>
/// <param name="AccountConfirmed">False: it replaced another account, and a second person has to give the same before anything is paid to it.</param>
public sealed record PayoutSettingsVersion(int Version, int AccountVersion, bool AccountConfirmed);

/// <summary>The least that is paid, in minor units: of a currency, or of every other.</summary>
public sealed record PayoutMinimum(long EveryOther, IReadOnlyDictionary<string, long> ByCurrency)
{
    public PayoutMinimum(long everyOther)
        : this(everyOther, new Dictionary<string, long>())
    {
    }
}

/// <summary>Whom we pay and where to, in versions; and the switch that stops all payouts.</summary>
public sealed class PayoutSettings(NpgsqlDataSource database, SecretBox box, PayoutApprovals approvals)
{
    private const string Insert = """
        INSERT INTO ledger.payout_settings (mode, merchant_id, version, state, minimum, minimums, account, iban_last4, reason, set_by) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10)
        RETURNING account_version
        """;

    private const string Last = "SELECT version, account, account_version FROM ledger.payout_settings WHERE mode = $1 AND merchant_id = $2 ORDER BY version DESC LIMIT 1";

    private const string Switch = """
        INSERT INTO ledger.payout_switch (version, stopped, reason, set_by) VALUES ((SELECT coalesce(max(version), 0) + 1 FROM ledger.payout_switch), $1, $2, $3)
        """;

    /// <summary>The version that now counts; null where somebody else made one at the same moment. With another account, what was approved to the one before is approved no more.</summary>
    public async Task<PayoutSettingsVersion?> SetAsync(
        Mode mode, MerchantId merchant, PayoutStanding standing, PayoutMinimum minimum, BankAccount account, string reason, string setBy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(minimum);
        Invariant.Holds(account.Fault is null, "a bank account is checked before it is kept");
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var (version, sealedAccount) = await NextAsync(connection, transaction, mode, merchant, account, cancellationToken);
        int accountVersion;
        try
        {
            await using var insert = new NpgsqlCommand(Insert, connection, transaction)
                .With(Account.Text(mode), merchant.Value, version, Words.Of(standing), minimum.EveryOther, JsonSerializer.Serialize(minimum.ByCurrency), sealedAccount, account.Last4, reason, setBy);
            accountVersion = (int)(await insert.ExecuteScalarAsync(cancellationToken))!;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return null;
        }

        if (accountVersion == version)
        {
            await approvals.TakeBackAsync(connection, transaction, mode, merchant, setBy, cancellationToken);
        }

        await using var confirmed = new NpgsqlCommand("SELECT ledger.account_confirmed($1, $2, $3)", connection, transaction).With(Account.Text(mode), merchant.Value, accountVersion);
        var counts = await confirmed.ExecuteScalarAsync(cancellationToken) is true;
        await transaction.CommitAsync(cancellationToken);
        return new(version, accountVersion, counts);
    }

    /// <summary>False where somebody else turned it at the same moment.</summary>
    public async Task<bool> SwitchAsync(bool stopped, string reason, string setBy, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Switch).With(stopped, reason, setBy);
        try
        {
            return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return false;
        }
    }

    /// <summary>The account that a version names.</summary>
    public BankAccount Open(Mode mode, MerchantId merchant, int accountVersion, string text) =>
        JsonSerializer.Deserialize<BankAccount>(box.Open(text, PurposeOf(mode, merchant, accountVersion)), Json.Options)!;

    /// <summary>Until the transaction ends nobody changes an account. Before every other lock.</summary>
    internal static async Task KeepAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await using var keep = new NpgsqlCommand("SELECT ledger.keep_payout_settings()", connection, transaction);
        await keep.ExecuteNonQueryAsync(cancellationToken);
    }

    // The same account is the same sealed text, by which the database knows it.
    private async Task<(int Version, string Account)> NextAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Mode mode, MerchantId merchant, BankAccount account, CancellationToken cancellationToken)
    {
        await using var last = new NpgsqlCommand(Last, connection, transaction).With(Account.Text(mode), merchant.Value);
        await using var row = await last.ExecuteReaderAsync(cancellationToken);
        var version = 1;
        if (await row.ReadAsync(cancellationToken))
        {
            version = row.GetInt32(0) + 1;
            if (Open(mode, merchant, row.GetInt32(2), row.GetString(1)) == account)
            {
                return (version, row.GetString(1));
            }
        }

        return (version, box.Seal(JsonSerializer.Serialize(account, Json.Options), PurposeOf(mode, merchant, version)));
    }

    private static string PurposeOf(Mode mode, MerchantId merchant, int version) => $"ledger.payout_settings|{Account.Text(mode)}|{merchant}|{version}";
}
