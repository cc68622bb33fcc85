using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Controls;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Chain;

/// <summary>Something in the chain that is not as it was written.</summary>
/// <param name="Journal">Null where the journal itself is gone.</param>
public sealed record ChainBreak(int Partition, long Seq, JournalId? Journal, string Problem);

/// <summary>The end of a partition's chain as far as it was verified.</summary>
public sealed record ChainHead(int Partition, long Seq, string Hash);

/// <param name="Journals">How many were recomputed.</param>
public sealed record ChainReport(long Journals, IReadOnlyList<ChainHead> Heads, IReadOnlyList<ChainBreak> Breaks)
{
    public bool Intact => Breaks.Count == 0;
}

/// <summary>Recomputes every hash from the rows and names each journal that does not give the hash it was chained with.</summary>
public sealed class ChainVerification(NpgsqlDataSource database)
{
    private const int PageSize = 500;
    private const int MostBreaks = 100;

    /// <summary>From the first journal that is still in the books to the heads of now. Bounded memory.</summary>
    public async Task<ChainReport> VerifyAsync(CancellationToken cancellationToken) => await VerifyAsync(await OpeningAsync(cancellationToken), null, cancellationToken);

    /// <summary>From heads that were verified before, to others or to those of now.</summary>
    /// <param name="pace">Null where somebody waits for the answer.</param>
    public async Task<ChainReport> VerifyAsync(
        IReadOnlyDictionary<int, ChainHead> from, IReadOnlyDictionary<int, ChainHead>? upTo, CancellationToken cancellationToken, Pace? pace = null)
    {
        ArgumentNullException.ThrowIfNull(from);
        var (journals, ends, breaks) = (0L, new List<ChainHead>(), new List<ChainBreak>());
        foreach (var head in upTo?.Values ?? await HeadsAsync(cancellationToken))
        {
            var start = from.GetValueOrDefault(head.Partition);
            var walk = new Walk(head.Partition, start?.Seq ?? 0, start is null ? JournalText.Genesis : Convert.FromHexString(start.Hash), breaks);
            while (walk.Seq < head.Seq && breaks.Count < MostBreaks)
            {
                var page = await PageAsync(head.Partition, walk.Seq, head.Seq, cancellationToken);
                if (page.Count == 0)
                {
                    break;
                }

                page.ForEach(walk.Take);
                journals += page.Count;
                await (pace?.RestAsync(cancellationToken) ?? Task.CompletedTask);
            }

            walk.End(head);
            ends.Add(new(head.Partition, walk.Seq, Convert.ToHexStringLower(walk.Hash)));
        }

        return new(journals, ends, [.. breaks.Take(MostBreaks)]);
    }

    /// <summary>Which accounts are not what their id says.</summary>
    public async Task<IReadOnlyList<string>> ChangedAccountsAsync(CancellationToken cancellationToken)
    {
        var changed = new List<string>();
        await using var command = database.CreateCommand("SELECT id, mode, owner, kind, currency, partition FROM ledger.accounts");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = new AccountId(reader.GetGuid(0));
            var same = Chart.Find(reader.GetString(3)) is { } row && Currency.TryFind(reader.GetString(4), out var currency)
                && new Account(reader.GetString(1) == "live" ? Mode.Live : Mode.Test, reader.GetString(2), row.Kind, currency, reader.GetInt32(5)).Id == id;
            if (!same)
            {
                changed.Add(id.ToString());
            }
        }

        return changed;
    }

    /// <summary>The heads as the database keeps them.</summary>
    public Task<IReadOnlyList<ChainHead>> HeadsAsync(CancellationToken cancellationToken) =>
        ReadHeadsAsync("SELECT partition, seq, hash FROM ledger.chain_heads WHERE seq > 0 ORDER BY partition", cancellationToken);

    /// <summary>The last journals of the last retired month: where what is still in the books begins.</summary>
    public async Task<IReadOnlyDictionary<int, ChainHead>> OpeningAsync(CancellationToken cancellationToken) =>
        (await ReadHeadsAsync("SELECT partition, seq, hash FROM ledger.closing_heads WHERE month = ledger.horizon()", cancellationToken)).ToDictionary(h => h.Partition);

    private async Task<IReadOnlyList<ChainHead>> ReadHeadsAsync(string sql, CancellationToken cancellationToken)
    {
        var heads = new List<ChainHead>();
        await using var command = database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            heads.Add(new(reader.GetInt32(0), reader.GetInt64(1), Convert.ToHexStringLower(reader.GetFieldValue<byte[]>(2))));
        }

        return heads;
    }

    private async Task<List<ChainedJournal>> PageAsync(int partition, long after, long upTo, CancellationToken cancellationToken)
    {
        var journals = new List<ChainedJournal>();
        await using (var command = database.CreateCommand("""
            SELECT id, seq, mode, payment_id, merchant_id, event_type, event_seq, decision, movements, effective_at, posted_at, content_hash, previous_hash, hash
            FROM ledger.journals WHERE partition = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4
            """))
        {
            command.Parameters.Add(new() { Value = partition });
            command.Parameters.Add(new() { Value = after });
            command.Parameters.Add(new() { Value = upTo });
            command.Parameters.Add(new() { Value = PageSize });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                journals.Add(new(
                    new(reader.GetGuid(0), reader.GetString(2), partition, reader.GetGuid(3), reader.GetGuid(4), reader.GetString(5), reader.GetFieldValue<DateTimeOffset>(9), reader.GetBoolean(7), []),
                    reader.GetInt64(1), reader.GetInt64(6), reader.GetInt32(8), reader.GetFieldValue<DateTimeOffset>(10),
                    reader.GetFieldValue<byte[]>(11), reader.GetFieldValue<byte[]>(12), reader.GetFieldValue<byte[]>(13)));
            }
        }

        if (journals.Count == 0)
        {
            return journals;
        }

        var lines = await LinesAsync([.. journals.Select(j => j.Content.Id)], cancellationToken);
        return [.. journals.Select(j => j with { Lines = [.. lines[j.Content.Id]] })];
    }

    // A line's id carries the millisecond of its journal's: it lies in one partition, and either index leads to it.
    private async Task<ILookup<Guid, ChainedLine>> LinesAsync(Guid[] journals, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateKeyedBatch("""
            SELECT j.place, l.line, l.action, l.kind, l.id, l.debit_account_id, l.credit_account_id, l.amount, l.currency, l.effective_at, l.posted_at
            FROM unnest($1, $2, $3) WITH ORDINALITY AS j (id, low, high, place)
            CROSS JOIN LATERAL (
                SELECT line, 'post' AS action, kind, id, debit_account_id, credit_account_id, amount, currency, effective_at, posted_at
                FROM ledger.movements WHERE journal_id = j.id AND id BETWEEN j.low AND j.high
                UNION ALL
                SELECT line, action, kind, id, debit_account_id, credit_account_id, amount, currency, effective_at, posted_at
                FROM ledger.pending_transfers WHERE journal_id = j.id AND id BETWEEN j.low AND j.high) l
            """, journals, Array.ConvertAll(journals, DerivedId.First), Array.ConvertAll(journals, DerivedId.Last));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var lines = new List<(Guid Journal, ChainedLine Line)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var content = new LineContent(
                reader.GetInt32(1), reader.GetString(2), reader.GetString(3), reader.GetGuid(4), reader.GetGuid(5), reader.GetGuid(6), reader.GetInt64(7), reader.GetString(8));
            lines.Add((journals[reader.GetInt64(0) - 1], new(content, reader.GetFieldValue<DateTimeOffset>(9), reader.GetFieldValue<DateTimeOffset>(10))));
        }

        return lines.OrderBy(l => l.Line.Content.Line).ToLookup(l => l.Journal, l => l.Line);
    }

    private sealed record ChainedLine(LineContent Content, DateTimeOffset EffectiveAt, DateTimeOffset PostedAt);

    private sealed record ChainedJournal(
        JournalContent Content, long Seq, long EventSeq, int Movements, DateTimeOffset PostedAt, byte[] ContentHash, byte[] PreviousHash, byte[] Hash)
    {
        public IReadOnlyList<ChainedLine> Lines { get; init; } = [];
    }

    /// <summary>One partition, journal by journal; after a break it goes on with the hashes that are stored, to name the next one too.</summary>
    private sealed class Walk(int partition, long seq, byte[] hash, List<ChainBreak> breaks)
    {
        public long Seq { get; private set; } = seq;

        public byte[] Hash { get; private set; } = hash;

        public void Take(ChainedJournal journal)
        {
            for (var missing = Seq + 1; missing < journal.Seq && breaks.Count < MostBreaks; missing++)
            {
                breaks.Add(new(partition, missing, null, "The journal is missing."));
            }

            var content = JournalText.ContentHash(journal.Content with { Lines = [.. journal.Lines.Select(l => l.Content)] });
            if (journal.Seq == Seq + 1 && !journal.PreviousHash.AsSpan().SequenceEqual(Hash))
            {
                Break(journal, "It does not follow the journal before it.");
            }
            else if (!content.AsSpan().SequenceEqual(journal.ContentHash))
            {
                Break(journal, "The journal or one of its lines was changed, added or removed.");
            }
            else if (!JournalText.ChainHash(journal.PreviousHash, content, partition, journal.Seq, journal.EventSeq, journal.PostedAt).AsSpan().SequenceEqual(journal.Hash))
            {
                Break(journal, "Its number, its time of posting or its hash was changed.");
            }
            else if (journal.Movements != journal.Lines.Count(l => l.Content.Action == "post")
                || journal.Lines.Any(l => l.EffectiveAt != journal.Content.EffectiveAt || l.PostedAt != journal.PostedAt))
            {
                Break(journal, "The times or the number of its movements were changed.");
            }

            (Seq, Hash) = (journal.Seq, journal.Hash);
        }

        public void End(ChainHead head)
        {
            if (Seq < head.Seq)
            {
                breaks.Add(new(partition, head.Seq, null, "The last journals of the partition are missing."));
            }
            else if (Seq == head.Seq && Convert.ToHexStringLower(Hash) != head.Hash)
            {
                breaks.Add(new(partition, head.Seq, null, "The last journal is not the one that the partition's head names."));
            }
        }

        private void Break(ChainedJournal journal, string problem) => breaks.Add(new(partition, journal.Seq, new JournalId(journal.Content.Id), problem));
    }
}
