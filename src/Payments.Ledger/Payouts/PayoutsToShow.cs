using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Payouts;

/// <summary>What the bank's statement has still to show, and reconciliation does not know yet.</summary>
public sealed class PayoutsToShow(NpgsqlDataSource database)
{
    private const int Most = 100;

    private const string List = """
        SELECT t.mode, t.payout_id, p.currency, CASE t.state WHEN 'paid' THEN -p.amount ELSE p.amount END, c.at
        FROM ledger.payouts_to_show t JOIN ledger.payouts p ON p.id = t.payout_id JOIN ledger.payout_changes c ON c.payout_id = t.payout_id AND c.state = t.state
        ORDER BY t.payout_id, t.state LIMIT $1
        """;

    private const string Remove = """
        DELETE FROM ledger.payouts_to_show t USING unnest($1::uuid[], $2::text[]) AS d (payout_id, state) WHERE t.payout_id = d.payout_id AND t.state = d.state
        """;

    /// <summary>The first of them, as entries that are expected.</summary>
    public async Task<PayoutEntryList> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(List).With(Most);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var entries = new List<PayoutEntry>();
        while (await row.ReadAsync(cancellationToken))
        {
            entries.Add(new(Words.Parse<Mode>(row.GetString(0)), new(row.GetGuid(1)), row.GetString(2), row.GetInt64(3), row.GetFieldValue<DateTimeOffset>(4)));
        }

        return new(entries);
    }

    /// <summary>They are expected: nobody needs to be told of them any more. Told again it changes nothing.</summary>
    public async Task TakenAsync(PayoutEntryList taken, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(taken);
        await using var command = database.CreateCommand(Remove)
            .With(taken.Payouts.Select(p => p.Payout.Value).ToArray(), taken.Payouts.Select(p => Words.Of(PayoutBooks.StateOf(p))).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
