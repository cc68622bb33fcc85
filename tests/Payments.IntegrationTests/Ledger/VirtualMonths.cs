using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Outbox;
using Payments.Tests.Ledger.Lives;

namespace Payments.IntegrationTests.Ledger;

/// <summary>What an account was at a moment, by either time.</summary>
internal readonly record struct BalanceThen(Guid Account, DateTime At, long Posted, long Version, long Effective);

/// <summary>
/// Books that were written over months, here within seconds: the posting function reads its time from a table, ids are made with
/// the same clock, and the partitions of these months exist. Late and early rows, idle chains and a clock that steps back are in it.
/// </summary>
internal sealed class VirtualMonths
{
    public const int Count = 6;
    private const int StepsAMonth = 6;
    private readonly LedgerDatabase books;
    private readonly Clock clock = new();
    private readonly Random random;
    private readonly CancellationToken cancellationToken;

    private VirtualMonths(LedgerDatabase books, Random random, DateTime first, CancellationToken cancellationToken)
    {
        (this.books, this.random, First, this.cancellationToken) = (books, random, first, cancellationToken);
        clock.Now = first;
        World = new World(random.Next, new IdSource(clock));
    }

    /// <summary>The beginning of the first month.</summary>
    public DateTime First { get; }

    public World World { get; }

    public List<DateTime> Moments { get; } = [];

    public DateTime Month(int number) => First.AddMonths(number);

    public static async Task<VirtualMonths> WriteAsync(LedgerDatabase books, int seed, CancellationToken cancellationToken)
    {
        // The last of these months ended at least a month ago.
        var now = await books.ValueAsync<DateTime>("SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'", cancellationToken);
        var months = new VirtualMonths(books, new Random(seed), now.AddMonths(-Count - 1), cancellationToken);
        await months.PrepareAsync();
        var held = new List<JournalDraft>();
        var posted = 0;
        for (var month = 0; month < Count; month++)
        {
            for (var step = 0; step < StepsAMonth; step++)
            {
                var at = months.Month(month).AddDays(4.5 * step + 1).AddSeconds(months.random.Next(80_000));
                months.clock.Now = step == StepsAMonth - 1 ? at.AddDays(10) : at; // at the month's end the ids' clock is ahead
                var until = months.World.History.Count + 12;
                while (months.World.History.Count < until)
                {
                    months.World.Step();
                }

                var drafts = books.Drafts(months.World.History.Skip(posted)).Select(d => d with { EffectiveAt = at.AddMinutes(-months.random.Next(4_000)) }).ToList();
                posted = months.World.History.Count;
                var late = drafts.Where(_ => months.random.Next(12) == 0).ToList();
                await months.PostAsync(at, [.. drafts.Except(late), .. step == 2 ? held : []]);
                if (step == 2)
                {
                    held.Clear();
                }

                held.AddRange(late);
                if (step is 0 or StepsAMonth - 1)
                {
                    months.Moments.Add(at);
                    months.Moments.Add(at.AddMicroseconds(-1));
                }
            }

            await months.StepBackAsync(months.Month(month + 1));
            months.Moments.Add(months.Month(month + 1));
        }

        await months.PostAsync(months.Month(Count).AddDays(3), held);
        await months.ReturnAsync();
        return months;
    }

    /// <summary>Every account at every moment, told from the movements alone.</summary>
    public async Task<List<BalanceThen>> FromMovementsAsync() => await BalancesAsync("""
        SELECT a.id, m.at, coalesce(p.balance, 0), coalesce(p.version, 0),
            (SELECT coalesce(sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END), 0)::bigint FROM ledger.entries e WHERE e.account_id = a.id AND e.effective_at <= m.at)
        FROM ledger.accounts a CROSS JOIN unnest($1) AS m (at)
        LEFT JOIN LATERAL (SELECT balance, version FROM ledger.entries e WHERE e.account_id = a.id AND e.posted_at <= m.at ORDER BY e.version DESC LIMIT 1) p ON true
        ORDER BY a.id, m.at
        """, Moments);

    /// <summary>The same as the books answer it.</summary>
    public async Task<List<BalanceThen>> AsAnsweredAsync(DateTime from) => await BalancesAsync("""
        SELECT a.id, m.at, p.balance, p.version, e.balance
        FROM ledger.accounts a CROSS JOIN unnest($1) AS m (at), ledger.balance_at(a.id, m.at) p, ledger.effective_balance_at(a.id, m.at) e
        ORDER BY a.id, m.at
        """, [.. Moments.Where(m => m >= from)]);

    private async Task<List<BalanceThen>> BalancesAsync(string sql, List<DateTime> moments)
    {
        await using var command = books.Owner.CreateCommand(sql);
        command.CommandTimeout = 300;
        command.Parameters.Add(new() { Value = moments, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        var balances = new List<BalanceThen>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            balances.Add(new(reader.GetGuid(0), reader.GetDateTime(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4)));
        }

        return balances;
    }

    private async Task PrepareAsync()
    {
        await books.ExecuteAsync("CREATE TABLE public.virtual_clock (at timestamptz); INSERT INTO public.virtual_clock VALUES (now())", cancellationToken);
        var function = await books.ValueAsync<string>("SELECT pg_get_functiondef('ledger.post_journals'::regproc)", cancellationToken);
        await books.ExecuteAsync(function!.Replace("clock_timestamp()", "(SELECT c.at FROM public.virtual_clock c)", StringComparison.Ordinal), cancellationToken);
        foreach (var parent in new[] { "journals", "movements", "pending_transfers" })
        {
            for (var month = 0; month < Count; month++)
            {
                var name = $"{parent}_{Month(month):yyyy_MM}";
                await books.ExecuteAsync($"""
                    DO $$ BEGIN
                        EXECUTE format('CREATE TABLE ledger.{name} PARTITION OF ledger.{parent} FOR VALUES FROM (%L) TO (%L)',
                            ledger.uuid_floor('{Month(month):yyyy-MM-dd}Z'), ledger.uuid_floor('{Month(month + 1):yyyy-MM-dd}Z'));
                        CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.{name} FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
                    END $$
                    """, cancellationToken);
            }
        }
    }

    private async Task ReturnAsync()
    {
        var function = await books.ValueAsync<string>("SELECT pg_get_functiondef('ledger.post_journals'::regproc)", cancellationToken);
        await books.ExecuteAsync(function!.Replace("(SELECT c.at FROM public.virtual_clock c)", "clock_timestamp()", StringComparison.Ordinal), cancellationToken);
        clock.Now = DateTimeOffset.MaxValue;
    }

    private async Task PostAsync(DateTime at, IReadOnlyList<JournalDraft> drafts)
    {
        await books.ExecuteAsync($"UPDATE public.virtual_clock SET at = '{at:yyyy-MM-dd HH:mm:ss.ffffff}Z'", cancellationToken);
        foreach (var batch in drafts.Chunk(7))
        {
            Xunit.Assert.All(await books.PostAsync(batch, cancellationToken), v => Xunit.Assert.Equal(PostingVerdict.Posted, v));
        }
    }

    // Around the end of a month one chain posts to an account, then another does with a clock that is seconds behind.
    private async Task StepBackAsync(DateTime end)
    {
        var merchant = LedgerDatabase.Ids.New<MerchantId>();
        foreach (var (second, partition) in new[] { (-20, 14), (2, 14), (-3, 15), (-1, 15), (4, 15) })
        {
            var at = end.AddSeconds(second);
            clock.Now = at;
            var draft = books.Draft(new PaymentLife(new IdSource(clock), at) { Merchant = merchant, Currency = "SEK" }
                .Of(Core.Events.PaymentEventTypes.Refunded, OperationKind.Refund, OperationState.Succeeded, 100))!;
            await PostAsync(at, [draft with { Partition = partition }]);
        }
    }

    private sealed class Clock : TimeProvider
    {
        private DateTimeOffset now;

        /// <summary>The greatest: as it is.</summary>
        public DateTimeOffset Now { get => now == DateTimeOffset.MaxValue ? System.GetUtcNow() : now; set => now = value; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
