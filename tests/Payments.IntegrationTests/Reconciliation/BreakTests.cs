using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Reconciliation.Breaks;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Who cares for a break and what may close it.</summary>
public sealed class BreakTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_break_has_an_owner_notes_an_age_and_a_priority_that_follows_its_class()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var breaks = await OpenAsync(database, [Item(1, 10_000), Item(2, 10_000), Item(3, 10_000)], Report((1, 10_000, 37, 0), (2, 10_007, 30, 0), (9, 500, 0, 0)));

        Assert.Equal(["amount_mismatch normal -7", "fee_difference low 7", "missing_here high -500"], await ClassesAsync(breaks));
        var (id, day) = (await breaks.ListAsync(null, null, 10, Cancel)).Select(b => (b.Id, b.AgeDays)).First();
        Assert.True(day > 0);
        Assert.True(await breaks.AssignAsync(id, "Ada", Cancel));
        Assert.True(await breaks.NoteAsync(id, "opk_1", "Asked the provider.", Cancel));
        Assert.True(await breaks.NoteAsync(id, "opk_1", "Asked the provider.", Cancel));
        Assert.True(await breaks.NoteAsync(id, "opk_2", "They look.", Cancel));
        Assert.False(await breaks.NoteAsync(new ReconciliationBreakId(Guid.Empty), "opk_1", "Nobody's.", Cancel));
        Assert.False(await breaks.AssignAsync(new ReconciliationBreakId(Guid.Empty), "Ada", Cancel));

        Assert.Equal("Ada", (await breaks.FindAsync(id, Cancel))!.Owner);
        Assert.Equal(["opk_1: Asked the provider.", "opk_2: They look."], (await breaks.NotesAsync(id, Cancel)).Select(n => $"{n.Author}: {n.Note}"));

        // A new comparison leaves owner and notes.
        await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
        await database.MatchAsync();
        Assert.Equal(("Ada", 2), ((await breaks.FindAsync(id, Cancel))!.Owner, (await breaks.NotesAsync(id, Cancel)).Count));
    }

    [Fact]
    public async Task A_small_break_is_closed_by_one_person_with_a_journal_or_a_reason_and_only_once()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var breaks = await OpenAsync(database, [Item(1, 10_000), Item(2, 10_000)], Report((1, 10_000, 37, 0), (2, 10_007, 30, 0)));
        var (fee, amount) = (await IdAsync(breaks, "fee_difference"), await IdAsync(breaks, "amount_mismatch"));

        Assert.Equal(ResolveVerdict.Done, await breaks.ResolveAsync(fee, null, "The price list of March.", "opk_1", Cancel));
        Assert.Equal(ResolveVerdict.JournalElsewhere, await breaks.ResolveAsync(amount, Journal("EUR"), null, "opk_1", Cancel));
        Assert.Equal(ResolveVerdict.JournalElsewhere, await breaks.ResolveAsync(amount, Journal("USD") with { Mode = Mode.Live }, null, "opk_1", Cancel));
        Assert.Equal(BreakState.Open, (await breaks.FindAsync(amount, Cancel))!.State);
        Assert.Equal(ResolveVerdict.Done, await breaks.ResolveAsync(amount, Journal("USD"), null, "opk_1", Cancel));
        Assert.Equal(ResolveVerdict.WrongState, await breaks.ResolveAsync(fee, null, "Again.", "opk_2", Cancel));
        Assert.Equal(ResolveVerdict.WrongState, await breaks.ApproveAsync(fee, await VersionAsync(breaks, fee), "opk_2", "opk_2", Cancel));
        Assert.Equal(ResolveVerdict.NotFound, await breaks.ResolveAsync(new ReconciliationBreakId(Guid.Empty), null, "?", "opk_1", Cancel));

        var (byReason, byJournal) = (await breaks.FindAsync(fee, Cancel), await breaks.FindAsync(amount, Cancel));
        Assert.Equal((BreakState.Resolved, "The price list of March.", null, "opk_1"), (byReason!.State, byReason.Reason, byReason.Journal, byReason.ResolvedBy));
        Assert.Equal((BreakState.Resolved, null, Journal("USD").Journal.ToString(), "opk_1"), (byJournal!.State, byJournal.Reason, byJournal.Journal, byJournal.ResolvedBy));
        Assert.Equal(0, await breaks.CountOpenAsync(Cancel));
        await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync("UPDATE recon.breaks SET journal = NULL, reason = NULL"));
    }

    [Fact]
    public async Task Above_the_limit_another_person_agrees_and_the_database_refuses_everything_else()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var breaks = await OpenAsync(database, [Item(1, 1_000_000)], Report((1, 900_000, 30, 0)));
        var id = await IdAsync(breaks, "amount_mismatch");

        Assert.Equal(ResolveVerdict.WrongState, await breaks.ApproveAsync(id, await VersionAsync(breaks, id), "opk_2", "opk_2", Cancel));
        Assert.Equal(ResolveVerdict.Done, await breaks.ResolveAsync(id, null, "Settled apart.", "opk_1", Cancel));
        Assert.Equal(BreakState.Proposed, (await breaks.FindAsync(id, Cancel))!.State);
        Assert.Equal(ResolveVerdict.SamePerson, await breaks.ApproveAsync(id, await VersionAsync(breaks, id), "opk_1", "opk_1", Cancel));

        // Straight in the tables, past the program.
        foreach (var forged in new[]
        {
            "state = 'resolved', resolved_by = 'opk_1', resolved_how = 'person', resolved_at = now()",
            "state = 'resolved', resolved_by = 'rule 10', resolved_how = 'person', proposed_by = 'rule 10', resolved_at = now()",
            "state = 'resolved', resolved_by = 'rule 10', resolved_how = 'rule', proposed_by = 'rule 10', resolved_at = now()",
            "state = 'resolved', resolved_by = 'opk_2', resolved_how = NULL, resolved_at = now()",
        })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync($"UPDATE recon.breaks SET {forged}"));
            Assert.True(refused.SqlState is "RC002" or PostgresErrorCodes.CheckViolation, refused.MessageText);
        }

        Assert.Equal(ResolveVerdict.Done, await breaks.ApproveAsync(id, await VersionAsync(breaks, id), "opk_2", "opk_2", Cancel));
        var closed = (await breaks.FindAsync(id, Cancel))!;
        Assert.Equal((BreakState.Resolved, "opk_1", "opk_2"), (closed.State, closed.ProposedBy, closed.ResolvedBy));
    }

    /// <summary>Nobody is called as a rule or a comparison is: a name does not decide.</summary>
    [Theory]
    [InlineData("comparison")]
    [InlineData("rule 10")]
    public async Task A_person_with_the_name_of_a_rule_needs_a_second_one_too(string name)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var breaks = await OpenAsync(database, [Item(1, 1_000_000)], Report((1, 900_000, 30, 0)));
        var id = await IdAsync(breaks, "amount_mismatch");

        Assert.Equal(ResolveVerdict.Done, await breaks.ResolveAsync(id, null, "I say so.", name, Cancel));
        Assert.Equal(ResolveVerdict.SamePerson, await breaks.ApproveAsync(id, await VersionAsync(breaks, id), name, "opk_1", Cancel));
        await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(
            $"UPDATE recon.breaks SET state = 'resolved', resolved_by = '{name}', resolved_how = 'person', resolved_at = now()"));
    }

    [Fact]
    public async Task A_difference_that_changes_is_open_again_and_what_closed_it_stays_in_its_notes()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var breaks = await OpenAsync(database, [Item(1, 10_000)], Report((1, 10_007, 30, 0)));
        var id = await IdAsync(breaks, "amount_mismatch");
        await breaks.ResolveAsync(id, Journal("USD"), null, "opk_1", Cancel);

        // A corrected file, with an item of the same line: the break is the same one.
        await database.ImportAsync("stripe.csv", Report((1, 10_009, 30, 0)));
        await database.MatchAsync();

        var again = (await breaks.FindAsync(id, Cancel))!;
        Assert.Equal((BreakState.Open, -9L, null, null), (again.State, again.Difference, again.Journal, again.ResolvedBy));
        Assert.Equal($"comparison: It was amount_mismatch of -7, resolved by opk_1: journal {Journal("USD").Journal}. The difference is another one now.", Assert.Single((await breaks.NotesAsync(id, Cancel)).Select(n => $"{n.Author}: {n.Note}")));

        // And one that agrees closes it.
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0)));
        await database.MatchAsync();
        Assert.Equal((BreakState.Resolved, "comparison"), ((await breaks.FindAsync(id, Cancel))!.State, (await breaks.FindAsync(id, Cancel))!.ResolvedBy));
    }

    [Fact]
    public async Task Roundings_resolve_themselves_by_their_rule_and_one_cent_more_does_not()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var breaks = await OpenAsync(database, [Item(1, 10_000), Item(2, 10_000)], Report((1, 10_000, 31, 0), (2, 10_000, 32, 0)));

        Assert.Equal(["1 Resolved rule 10 rounding of a fee", "2 Open  "], (await breaks.ListAsync(null, null, 10, Cancel)).OrderBy(b => b.Difference).Select(b => $"{b.Difference} {b.State} {b.ResolvedBy} {b.Reason}"));
    }

    private static LedgerJournal Journal(string currency) => new(new(new Guid(7, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1)), Mode.Test, [currency]);

    private static async Task<BreakStore> OpenAsync(ReconciliationDatabase database, IReadOnlyList<Payments.Reconciliation.Intake.ExpectedItem> items, string report)
    {
        await database.AddAsync(items);
        await database.ImportAsync("stripe.csv", report);
        await database.MatchAsync();
        return new BreakStore(database.Source, TimeProvider.System);
    }

    private static async Task<int> VersionAsync(BreakStore breaks, ReconciliationBreakId id) => (await breaks.FindAsync(id, Cancel))?.Version ?? 0;

    private static async Task<ReconciliationBreakId> IdAsync(BreakStore breaks, string ofClass) => (await breaks.ListAsync(null, null, 10, Cancel)).Single(b => b.Class == ofClass).Id;

    private static async Task<IEnumerable<string>> ClassesAsync(BreakStore breaks) =>
        (await breaks.ListAsync(null, null, 10, Cancel)).Select(b => $"{b.Class} {b.Priority} {b.Difference}").Order(StringComparer.Ordinal);
}
