using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Payouts;

/// <summary>Two people's agreement to pay an amount to a bank account. Another account needs theirs again.</summary>
public sealed class PayoutApprovals(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Why an approved payout waits for its approval again.</summary>
    internal const string AccountChanged = "The bank account was changed after the approval.";

    private const string AccountOf = """
        SELECT s.account_version FROM ledger.payout_settings s WHERE s.mode = $1 AND s.merchant_id = $2 ORDER BY s.version DESC LIMIT 1
        """;

    private const string Add = """
        INSERT INTO ledger.payout_approvals (payout_id, account_version, approved_by) VALUES ($1, $2, $3) ON CONFLICT (payout_id, account_version, approved_by) DO NOTHING
        """;

    private const string Approved = """
        SELECT o.payout_id
        FROM ledger.payouts_open o JOIN ledger.payouts p ON p.id = o.payout_id
        JOIN LATERAL (SELECT * FROM ledger.payout_changes n WHERE n.payout_id = o.payout_id ORDER BY n.version DESC LIMIT 1) c ON c.before = 'awaiting_approval'
        WHERE o.state = 'ready' AND p.mode = $1 AND p.merchant_id = $2
        ORDER BY o.payout_id
        """;

    /// <summary>One person's agreement; with the second the payout is ready.</summary>
    /// <param name="accountVersion">The account that this person saw.</param>
    public async Task<PayoutVerdict> ApproveAsync(PayoutId id, int accountVersion, string by, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await PayoutSettings.KeepAsync(connection, transaction, cancellationToken);
        if (await PayoutBooks.ReadAsync(connection, transaction, id, cancellationToken) is not { } current)
        {
            return PayoutVerdict.NotFound;
        }

        if (current.State != PayoutState.AwaitingApproval)
        {
            return PayoutVerdict.WrongState;
        }

        await using var account = new NpgsqlCommand(AccountOf, connection, transaction).With(Account.Text(current.Mode), current.Merchant.Value);
        if (await account.ExecuteScalarAsync(cancellationToken) is not int now || now != accountVersion)
        {
            return PayoutVerdict.OtherAccount;
        }

        await using var approve = new NpgsqlCommand(Add, connection, transaction).With(id.Value, accountVersion, by);
        if (await approve.ExecuteNonQueryAsync(cancellationToken) == 0)
        {
            return PayoutVerdict.SamePerson;
        }

        await using var count = new NpgsqlCommand("SELECT ledger.payout_approved_by($1, $2)", connection, transaction).With(id.Value, accountVersion);
        var enough = (long)(await count.ExecuteScalarAsync(cancellationToken))! >= 2;
        if (enough)
        {
            await PayoutBooks.AddAsync(connection, transaction, id, current.Version + 1, Words.Of(current.State), new(PayoutState.Ready, "", "", by, time.GetUtcNow()), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return enough ? PayoutVerdict.Done : PayoutVerdict.SecondPersonNeeded;
    }

    /// <summary>Sends back what was approved to the account before, in the transaction that changes it.</summary>
    internal async Task TakeBackAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Mode mode, MerchantId merchant, string by, CancellationToken cancellationToken)
    {
        var approved = new List<PayoutId>();
        await using (var command = new NpgsqlCommand(Approved, connection, transaction).With(Account.Text(mode), merchant.Value))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                approved.Add(new(row.GetGuid(0)));
            }
        }

        foreach (var id in approved)
        {
            // It may have been canceled in the meantime.
            if (await PayoutBooks.ReadAsync(connection, transaction, id, cancellationToken) is { State: PayoutState.Ready } current)
            {
                await PayoutBooks.AddAsync(
                    connection, transaction, id, current.Version + 1, Words.Of(current.State), new(PayoutState.AwaitingApproval, "", AccountChanged, by, time.GetUtcNow()), cancellationToken);
            }
        }
    }
}
