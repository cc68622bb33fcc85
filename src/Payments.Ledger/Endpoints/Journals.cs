using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Settlement;
using Payments.Platform.Http;
using EventId = Payments.Core.EventId;

namespace Payments.Ledger.Endpoints;

/// <summary>One end of a line.</summary>
public sealed record LineEnd(AccountId Account, string Owner, string Kind);

/// <summary>A movement (<c>post</c>) or a pending transfer (<c>hold</c>, <c>release</c>) of a journal.</summary>
public sealed record JournalLineView(int Line, string Action, string Kind, LineEnd Debit, LineEnd Credit, long Amount, string Currency);

/// <summary>Everything that one event did to the books.</summary>
/// <param name="Event">The event, with the journal's digits.</param>
/// <param name="Payment">Null: a journal of the house that is about none.</param>
/// <param name="Seq">Its number in the hash chain of its ledger partition.</param>
public sealed record JournalView(
    JournalId Id, string Object, EventId Event, string EventType, long EventSeq, Mode Mode, PaymentId? Payment, MerchantId Merchant, int Partition, long Seq,
    DateTimeOffset EffectiveAt, DateTimeOffset PostedAt, string Hash, string PreviousHash, IReadOnlyList<JournalLineView> Lines);

/// <summary><c>GET /internal/v1/ops/journals</c> (by payment, event, merchant, mode), <c>…/journals/{id}</c>: newest first.</summary>
internal static class Journals
{
    private const string Columns = """
        SELECT id, event_type, event_seq, mode, payment_id, merchant_id, partition, seq, effective_at, posted_at, encode(hash, 'hex'), encode(previous_hash, 'hex')
        FROM ledger.journals
        """;

    public static async Task<Results<Ok<Page<JournalView>>, Problem>> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, mode) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"));
        var (payment, happened, merchant) = (query.Id<PaymentId>("payment"), query.Id<EventId>("event"), query.Id<MerchantId>("merchant"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand($"""
            {Columns}
            WHERE ($1 IS NULL OR id < $1) AND ($2 IS NULL OR payment_id = $2) AND ($3 IS NULL OR id = $3) AND ($4 IS NULL OR merchant_id = $4) AND ($5 IS NULL OR mode = $5)
            ORDER BY id DESC LIMIT $6
            """);
        foreach (var id in new[] { cursor, payment?.Value, happened?.Value, merchant?.Value })
        {
            command.Parameters.Add(new() { Value = (object?)id ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        }

        command.Parameters.Add(new() { Value = mode is { } m ? ModeNames.Of(m) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = limit + 1 });
        return TypedResults.Ok(Page.Of(await ReadAsync(command, database, cancellationToken), limit, j => Cursor.Of(j.Id.Value)));
    }

    public static async Task<Results<Ok<JournalView>, Problem>> GetAsync(string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<JournalId>(id, out var journal))
        {
            return Problems.NotFound("journal");
        }

        await using var command = database.CreateCommand($"{Columns} WHERE id = $1");
        command.Parameters.Add(new() { Value = journal.Value });
        return await ReadAsync(command, database, cancellationToken) is [{ } found] ? TypedResults.Ok(found) : Problems.NotFound("journal");
    }

    /// <summary><c>GET /internal/ledger/journals/{id}</c></summary>
    public static async Task<IResult> KnownAsync(string id, NpgsqlDataSource database, CancellationToken cancellationToken) =>
        (await GetAsync(id, database, cancellationToken)).Result is Ok<JournalView> { Value: { } found }
            ? TypedResults.Ok(new LedgerJournal(found.Id, found.Mode, [.. found.Lines.Select(l => l.Currency).Distinct()]))
            : Problems.NotFound("journal");

    private static async Task<List<JournalView>> ReadAsync(NpgsqlCommand command, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var journals = new List<JournalView>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                journals.Add(new(
                    new(reader.GetGuid(0)), "journal", new(reader.GetGuid(0)), reader.GetString(1), reader.GetInt64(2), reader.GetString(3) == "live" ? Mode.Live : Mode.Test,
                    PaymentOf(reader), new(reader.GetGuid(5)), reader.GetInt32(6), reader.GetInt64(7),
                    reader.GetFieldValue<DateTimeOffset>(8), reader.GetFieldValue<DateTimeOffset>(9), reader.GetString(10), reader.GetString(11), []));
            }
        }

        var lines = await LinesAsync([.. journals.Select(j => j.Id.Value)], database, cancellationToken);
        return [.. journals.Select(j => j with { Lines = [.. lines[j.Id.Value]] })];
    }

    // Where a payment's digits stand a journal of the house has those of a batch, a payout or a correction; only a correction may be about a payment.
    private static PaymentId? PaymentOf(NpgsqlDataReader row) =>
        row.GetInt32(6) == HouseJournal.Partition && (row.GetGuid(4) == row.GetGuid(0) || row.GetString(1) != CorrectionPostings.EventType) ? null : new PaymentId(row.GetGuid(4));

    private static async Task<ILookup<Guid, JournalLineView>> LinesAsync(Guid[] journals, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT l.journal_id, l.line, l.action, l.kind, d.id, d.owner, d.kind, c.id, c.owner, c.kind, l.amount, l.currency
            FROM (
                SELECT journal_id, line, 'post' AS action, kind, debit_account_id, credit_account_id, amount, currency FROM ledger.movements WHERE journal_id = ANY ($1)
                UNION ALL
                SELECT journal_id, line, action, kind, debit_account_id, credit_account_id, amount, currency FROM ledger.pending_transfers WHERE journal_id = ANY ($1)) l
            JOIN ledger.accounts d ON d.id = l.debit_account_id
            JOIN ledger.accounts c ON c.id = l.credit_account_id
            ORDER BY l.journal_id, l.line
            """);
        command.Parameters.Add(new() { Value = journals });
        var lines = new List<(Guid Journal, JournalLineView View)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            lines.Add((reader.GetGuid(0), new(
                reader.GetInt32(1), reader.GetString(2), reader.GetString(3), new(new(reader.GetGuid(4)), reader.GetString(5), reader.GetString(6)),
                new(new(reader.GetGuid(7)), reader.GetString(8), reader.GetString(9)), reader.GetInt64(10), reader.GetString(11))));
        }

        return lines.ToLookup(l => l.Journal, l => l.View);
    }
}
