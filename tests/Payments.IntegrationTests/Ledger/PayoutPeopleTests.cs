using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Simulators;
using Payments.Ledger;
using Payments.Ledger.Payouts;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>What people may do with payouts, alone and together, and what is told of payouts that wait for them.</summary>
public sealed class PayoutPeopleTests(EmbeddedServers servers)
{
    private static readonly DateTimeOffset Now = PayoutBed.Now;
    private static readonly DateOnly Today = PayoutBed.Today;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // what is told, by whom, with which word of the bank → what becomes of it
    [Theory]
    [InlineData(PayoutState.Failed)]
    [InlineData(PayoutState.Returned)]
    public async Task What_makes_a_payout_payable_again_needs_two_people_or_the_statement(PayoutState state)
    {
        await using var bed = await SentAsync(paid: state == PayoutState.Returned);
        var id = IdOf(bed);
        Task<PayoutVerdict> Tell(string person, string evidence = "") => bed.Books.ChangeAsync(id, new(state, "ref", "AC04", person, Now, evidence), Cancel);
        Assert.Equal([PayoutVerdict.SecondPersonNeeded, PayoutVerdict.SecondPersonNeeded], [await Tell("ada"), await Tell("ada")]);
        Assert.Equal(0, await bed.Database.ValueAsync<long>("SELECT count(*) FROM ledger.payout_changes WHERE state = $1", Cancel, Words.Of(state)));

        // Also past the code.
        var last = state == PayoutState.Failed ? (Version: 3, Before: "sent") : (Version: 4, Before: "paid");
        foreach (var evidence in new[] { "", BankEvidence.StatusReport("<x/>"u8) })
        {
            var refusal = await Assert.ThrowsAsync<PostgresException>(() => bed.Database.ExecuteAsync(
                $"INSERT INTO ledger.payout_changes (payout_id, version, before, state, by_whom, evidence) VALUES ('{id.Value}', {last.Version}, '{last.Before}', '{Words.Of(state)}', 'ada', '{evidence}')", Cancel));
            Assert.Contains("nor a second person", refusal.MessageText, StringComparison.Ordinal);
        }

        Assert.Equal([PayoutVerdict.Done, PayoutVerdict.Duplicate], [await Tell("ben"), await Tell("ada")]);
        Assert.Equal((5_000, 0), await bed.PayableAsync());

        // A report of the bank is what one person uploads; the statement needs nobody.
        await using var uploaded = await SentAsync(paid: state == PayoutState.Returned);
        Task<PayoutVerdict> Upload(string person, string evidence) => uploaded.Books.ChangeAsync(IdOf(uploaded), new(state, "ref", "AC04", person, Now, evidence), Cancel);
        var report = BankEvidence.StatusReport("<x/>"u8);
        Assert.Equal([PayoutVerdict.SecondPersonNeeded, PayoutVerdict.SecondPersonNeeded, PayoutVerdict.Done], [await Upload("ada", report), await Upload("ada", ""), await Upload("ben", report)]);
        Assert.Equal((5_000, 0), await uploaded.PayableAsync());
        await ModelCheck.HoldsAsync(uploaded.Database, Cancel);
        await using var shown = await SentAsync(paid: state == PayoutState.Returned);
        Assert.Equal(PayoutVerdict.Done, await shown.ChangeAsync(IdOf(shown), state));
        Assert.Equal((5_000, 0), await shown.PayableAsync());
    }

    [Fact]
    public async Task Payouts_that_wait_are_counted_until_they_do_not_and_are_late_after_their_hours()
    {
        await using var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        var clock = new MovedClock();
        var open = new OpenPayouts(bed.Database.Writer, clock, new LedgerOptions());
        async Task<string> Waiting() => string.Join(' ', (await open.CountAsync(Cancel)).Select(w => $"{Words.Of(w.State)} {w.Count} {w.Late} {(w.Oldest is { } id ? id == IdOf(bed) : "-")}"));
        const string none = "awaiting_approval 0 0 - ready 0 0 - sent 0 0 -";
        Assert.Equal(none, await Waiting());
        await bed.Books.CreateDueAsync(Today, Cancel);
        Assert.Equal("awaiting_approval 0 0 - ready 1 0 - sent 0 0 -", await Waiting());
        clock.Ahead = TimeSpan.FromHours(25);
        Assert.Equal("awaiting_approval 0 0 - ready 1 1 True sent 0 0 -", await Waiting());
        await bed.FileAsync();
        Assert.Equal("awaiting_approval 0 0 - ready 0 0 - sent 1 0 -", await Waiting());
        clock.Ahead = TimeSpan.FromHours(97);
        Assert.Equal("awaiting_approval 0 0 - ready 0 0 - sent 1 1 True", await Waiting());
        await bed.ChangeAsync(IdOf(bed), PayoutState.Paid);
        Assert.Equal(none, await Waiting());
    }

    [Fact]
    public async Task A_merchant_whose_payout_cannot_be_made_keeps_back_no_other()
    {
        await using var database = await LedgerDatabase.CreateAsync(servers, Cancel);
        var (broken, sound) = (await PayoutBed.OnAsync(database, "EUR", 5_000), await PayoutBed.OnAsync(database, "EUR", 700));
        await database.ExecuteAsync($"""
            CREATE FUNCTION ledger.break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
            CREATE TRIGGER break_it BEFORE INSERT ON ledger.payouts FOR EACH ROW WHEN (NEW.merchant_id = '{broken.Merchant.Value}') EXECUTE FUNCTION ledger.break_it()
            """, Cancel);
        var failure = await Assert.ThrowsAsync<AggregateException>(() => new PayoutBooks(database.Writer, TimeProvider.System, NullLogger<PayoutBooks>.Instance).CreateDueAsync(Today, Cancel));
        Assert.Contains("planted", Assert.Single(failure.InnerExceptions).Message, StringComparison.Ordinal);
        Assert.Equal((5_000, 0), await broken.PayableAsync());
        Assert.Equal((700, 700), await sound.PayableAsync());
    }

    // currency, above, who asks → whether it counts, and what then is the limit of 9,000 EUR
    [Fact]
    public async Task A_limit_is_lowered_by_one_person_and_raised_by_two()
    {
        await using var database = await LedgerDatabase.CreateAsync(servers, Cancel);
        foreach (var (currency, above, person, counts, euro) in new[]
        {
            ("EUR", 500_000L, "ada", true, 500_000L), ("EUR", 900_000, "ada", false, 500_000), ("EUR", 900_000, "ada", false, 500_000), ("EUR", 900_001, "ben", false, 500_000),
            ("EUR", 900_000, "ben", true, 900_000), ("EUR", 900_001, "ada", false, 900_000), ("*", 1_000_001, "ada", false, 900_000), ("*", 1_000_001, "cid", true, 900_000),
            ("USD", 1_000_001, "ada", true, 900_000),
        })
        {
            await using var set = database.Writer.CreateCommand("SELECT ledger.set_payout_limit($1, $2, $3, 'test')");
            foreach (var value in new object[] { currency, above, person })
            {
                set.Parameters.Add(new() { Value = value });
            }

            Assert.Equal((currency, above, person, counts), (currency, above, person, await set.ExecuteScalarAsync(Cancel)));
            Assert.Equal(euro, await database.ValueAsync<long>("SELECT above FROM ledger.payout_limits WHERE currency = 'EUR'", Cancel));
        }
    }

    private static PayoutId IdOf(PayoutBed bed) => PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("EUR"), Today);

    private async Task<PayoutBed> SentAsync(bool paid)
    {
        var bed = await PayoutBed.CreateAsync(servers);
        await bed.SetAsync();
        await bed.Books.CreateDueAsync(Today, Cancel);
        await bed.FileAsync();
        if (paid)
        {
            await bed.ChangeAsync(IdOf(bed), PayoutState.Paid);
        }

        return bed;
    }
}
