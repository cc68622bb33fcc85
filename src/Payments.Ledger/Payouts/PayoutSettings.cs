using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Ledger.Payouts;

/// <summary>Whom we pay and where to, in versions; and the switch that stops all payouts.</summary>
public sealed class PayoutSettings(NpgsqlDataSource database, SecretBox box)
{
    private const string Insert = """
        INSERT INTO ledger.payout_settings (mode, merchant_id, version, state, minimum, account, iban_last4, reason, set_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """;

    private const string NextVersion = "SELECT coalesce(max(version), 0) + 1 FROM ledger.payout_settings WHERE mode = $1 AND merchant_id = $2";

    private const string Switch = """
        INSERT INTO ledger.payout_switch (version, stopped, reason, set_by) VALUES ((SELECT coalesce(max(version), 0) + 1 FROM ledger.payout_switch), $1, $2, $3)
        """;

    /// <summary>The version that now counts; null where somebody else made one at the same moment.</summary>
    public async Task<int?> SetAsync(Mode mode, MerchantId merchant, PayoutStanding standing, long minimum, BankAccount account, string reason, string setBy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(account);
        Invariant.Holds(account.Fault is null, "a bank account is checked before it is kept");
        await using var next = database.CreateCommand(NextVersion).With(Account.Text(mode), merchant.Value);
        var version = (int)(await next.ExecuteScalarAsync(cancellationToken))!;
        var text = box.Seal(JsonSerializer.Serialize(account, Json.Options), PurposeOf(mode, merchant, version));
        await using var command = database.CreateCommand(Insert)
            .With(Account.Text(mode), merchant.Value, version, Words.Of(standing), minimum, text, account.Last4, reason, setBy);
        return await AddedAsync(command, cancellationToken) ? version : null;
    }

    /// <summary>False where somebody else turned it at the same moment.</summary>
    public async Task<bool> SwitchAsync(bool stopped, string reason, string setBy, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Switch).With(stopped, reason, setBy);
        return await AddedAsync(command, cancellationToken);
    }

    /// <summary>The account that a version names.</summary>
    public BankAccount Open(Mode mode, MerchantId merchant, int version, string text) =>
        JsonSerializer.Deserialize<BankAccount>(box.Open(text, PurposeOf(mode, merchant, version)), Json.Options)!;

    private static async Task<bool> AddedAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        try
        {
            return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return false;
        }
    }

    private static string PurposeOf(Mode mode, MerchantId merchant, int version) => $"ledger.payout_settings|{Account.Text(mode)}|{merchant}|{version}";
}
