using Npgsql;
using NpgsqlTypes;

namespace Payments.Ledger.Books;

/// <summary>What became of one journal of a batch.</summary>
public enum PostingVerdict
{
    Posted,

    /// <summary>It was in the books already, with this content.</summary>
    Duplicate,

    /// <summary>Its event was posted before with another content; a finding says so, the books stand.</summary>
    Conflict,

    /// <summary>A decision of ours that would have brought an account below its floor.</summary>
    Floor,
    UnknownAccount,
    CurrencyMismatch,
    ModeMismatch,
    Invalid,
}

/// <summary>Writes journals through the database's posting function, in one round trip and within the caller's transaction.</summary>
public static class JournalWriter
{
    private const string OpenAccounts = "SELECT ledger.open_accounts($1, $2, $3, $4, $5, $6)";

    private const string PostJournals = """
        SELECT verdict FROM ledger.post_journals($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ORDER BY item
        """;

    /// <summary>One verdict per journal, in their order. Accounts that do not exist are opened.</summary>
    public static async Task<IReadOnlyList<PostingVerdict>> PostAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<JournalDraft> journals, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(journals);
        if (journals.Count == 0)
        {
            return [];
        }

        var accounts = new AccountIds();
        var post = Post(journals, accounts);
        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { Open(accounts), post } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var verdicts = new List<PostingVerdict>(journals.Count);
        while (await reader.ReadAsync(cancellationToken))
        {
            verdicts.Add(Verdict(reader.GetString(0)));
        }

        Core.Invariant.Holds(verdicts.Count == journals.Count, "every journal of a batch gets a verdict");
        return verdicts;
    }

    private static NpgsqlBatchCommand Open(AccountIds accounts) => new(OpenAccounts)
    {
        Parameters =
        {
            Array(NpgsqlDbType.Uuid, accounts.Known.Values),
            Array(NpgsqlDbType.Text, accounts.Known.Keys.Select(a => Account.Text(a.Mode))),
            Array(NpgsqlDbType.Text, accounts.Known.Keys.Select(a => a.Owner)),
            Array(NpgsqlDbType.Text, accounts.Known.Keys.Select(a => Chart.Of(a.Kind).Code)),
            Array(NpgsqlDbType.Text, accounts.Known.Keys.Select(a => a.Currency.Code)),
            Array(NpgsqlDbType.Integer, accounts.Known.Keys.Select(a => a.Partition)),
        },
    };

    private static NpgsqlBatchCommand Post(IReadOnlyList<JournalDraft> journals, AccountIds accounts)
    {
        var lines = journals.SelectMany((journal, place) => journal.Lines.Select((line, number) => (Journal: journal, Place: place + 1, Line: line, Number: number + 1))).ToArray();
        return new(PostJournals)
        {
            Parameters =
            {
                Array(NpgsqlDbType.Uuid, journals.Select(j => j.Id.Value)),
                Array(NpgsqlDbType.Integer, journals.Select(j => j.Partition)),
                Array(NpgsqlDbType.Bigint, journals.Select(j => j.EventSeq)),
                Array(NpgsqlDbType.Text, journals.Select(j => Account.Text(j.Mode))),
                Array(NpgsqlDbType.Uuid, journals.Select(j => j.PaymentId.Value)),
                Array(NpgsqlDbType.Uuid, journals.Select(j => j.MerchantId.Value)),
                Array(NpgsqlDbType.Text, journals.Select(j => j.EventType)),
                Array(NpgsqlDbType.TimestampTz, journals.Select(j => j.EffectiveAt.ToUniversalTime())),
                Array(NpgsqlDbType.Boolean, journals.Select(j => j.Decision)),
                Array(NpgsqlDbType.Integer, lines.Select(l => l.Place)),
                Array(NpgsqlDbType.Integer, lines.Select(l => l.Number)),
                Array(NpgsqlDbType.Uuid, lines.Select(l => DerivedId.Version7(l.Journal.Id.Value, l.Number))),
                Array(NpgsqlDbType.Text, lines.Select(l => LineText.Of(l.Line.Action))),
                Array(NpgsqlDbType.Text, lines.Select(l => LineText.Of(l.Line.Kind))),
                Array(NpgsqlDbType.Uuid, lines.Select(l => accounts.Of(l.Journal.DebitOf(l.Line)))),
                Array(NpgsqlDbType.Uuid, lines.Select(l => accounts.Of(l.Journal.CreditOf(l.Line)))),
                Array(NpgsqlDbType.Bigint, lines.Select(l => l.Line.Amount.Minor)),
                Array(NpgsqlDbType.Text, lines.Select(l => l.Line.Amount.Currency.Code)),
            },
        };
    }

    private static NpgsqlParameter Array<T>(NpgsqlDbType element, IEnumerable<T> values) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | element };

    private static PostingVerdict Verdict(string text) => text switch
    {
        "posted" => PostingVerdict.Posted,
        "duplicate" => PostingVerdict.Duplicate,
        "conflict" => PostingVerdict.Conflict,
        "floor" => PostingVerdict.Floor,
        "unknown_account" => PostingVerdict.UnknownAccount,
        "currency_mismatch" => PostingVerdict.CurrencyMismatch,
        "mode_mismatch" => PostingVerdict.ModeMismatch,
        "invalid" => PostingVerdict.Invalid,
        _ => throw new Core.InvariantException($"the posting function's verdict '{text}' is known"),
    };
}
