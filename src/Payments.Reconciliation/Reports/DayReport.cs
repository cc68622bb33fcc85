using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Reports;

/// <summary>One class of a day and currency.</summary>
/// <param name="Items">How many items and lines ended in it on this day.</param>
/// <param name="Amount">What it explains of the difference, less what it takes back of earlier days.</param>
public sealed record ClassSum(string Class, long Items, long Amount);

/// <summary>A day in one currency. <c>ours - theirs = difference = Σ classes</c>, in minor units.</summary>
/// <param name="Share">Unresolved differences without sign, in millionths of our volume; a healthy day is below 1000 (0.1 %).</param>
public sealed record CurrencyReport(
    string Currency, long OursCount, long Ours, long TheirsCount, long Theirs, long Difference, IReadOnlyList<ClassSum> Classes, long Share, bool Healthy);

/// <summary>What a closed day is signed by: its closing, and the closings before it through their hashes.</summary>
/// <param name="Through">The last day of the closing.</param>
public sealed record ReportClosing(DateOnly Through, string Hash, string KeyId, string Signature, DateTimeOffset ClosedAt);

/// <summary>A provider's day.</summary>
/// <param name="Closing">Null while it is open, and of days that were closed before closings were signed.</param>
public sealed record DayReport(
    string Id, string Object, Mode Mode, Leg Leg, string Provider, DateOnly Day, bool Closed, bool Compared, bool Healthy, IReadOnlyList<CurrencyReport> Currencies, ReportClosing? Closing);

/// <summary>Reports as they stand: a closed day's never changes again.</summary>
public sealed class DayReports(NpgsqlDataSource database)
{
    private const int HealthyBelow = 1_000;

    // What a class of a day explains stays as it was compared. Resolved is what a later day answers, and what has a break that is: by a person, a rule or a comparison.
    private const string CurrenciesSql = """
        WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[]) WITH ORDINALITY AS w (mode, leg, provider, day, place)),
        resolved AS MATERIALIZED (
            SELECT w.place, e.currency, sum(abs(e.amount))::bigint AS volume
            FROM wanted w JOIN recon.entries e USING (mode, leg, provider, day)
            WHERE e.class <> ALL ($5) AND (
                EXISTS (SELECT 1 FROM recon.entries s WHERE s.settles_item = coalesce(e.item_id, e.settles_item) AND s.from_class = e.class AND s.day > e.day)
                OR EXISTS (SELECT 1 FROM recon.entries s WHERE s.settles_line = coalesce(e.line_id, e.settles_line) AND s.from_class = e.class AND s.day > e.day)
                OR EXISTS (
                    SELECT 1 FROM recon.breaks b
                    WHERE b.state = 'resolved' AND b.mode = e.mode AND b.leg = e.leg AND b.provider = e.provider AND b.day = e.day AND (b.class, b.currency, b.amount) = (e.class, e.currency, e.amount)
                        AND CASE WHEN num_nonnulls(e.item_id, e.settles_item) > 0 THEN b.item_id = coalesce(e.item_id, e.settles_item)
                                 ELSE b.item_id IS NULL AND b.line_id = coalesce(e.line_id, e.settles_line) END))
            GROUP BY w.place, e.currency)
        SELECT (w.place - 1)::integer, t.currency, t.ours_count, t.ours_net, t.theirs_count, t.theirs_net, greatest(t.ours_volume, t.theirs_volume), c.class, c.items, c.amount, c.volume, coalesce(r.volume, 0)
        FROM wanted w JOIN recon.day_totals t USING (mode, leg, provider, day) LEFT JOIN recon.day_classes c USING (mode, leg, provider, day, currency)
        LEFT JOIN resolved r ON r.place = w.place AND r.currency = t.currency
        ORDER BY w.place, t.currency, c.class
        """;

    private static readonly string[] Harmless = ["matched", "timing"];

    public static string IdOf(Mode mode, Leg leg, string provider, DateOnly day) => $"{ModeNames.Of(mode)}.{Words.Of(leg)}.{provider}.{day:yyyyMMdd}";

    public static (Book Book, DateOnly Day)? Parse(string? id) =>
        id?.Split('.') is [var mode, var leg, var provider, var day] && ModeNames.TryParse(mode, out var m) && Words.TryParse<Leg>(leg, out var l) && Book.Providers.Contains(provider)
        && DateOnly.TryParseExact(day, "yyyyMMdd", out var d) ? (new Book(m, l, provider), d) : null;

    public async Task<DayReport?> FindAsync(Book book, DateOnly day, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(book);
        return await ReadAsync("WHERE d.mode = $1 AND d.leg = $2 AND d.provider = $3 AND d.day = $4", [ModeNames.Of(book.Mode), Words.Of(book.Leg), book.Provider, day], null, cancellationToken) is [var report, ..] ? report : null;
    }

    /// <summary>Newest days first.</summary>
    public Task<IReadOnlyList<DayReport>> ListAsync(Mode? mode, Leg? leg, string? provider, long? after, int limit, CancellationToken cancellationToken) => ReadAsync(
        """
        WHERE ($1::text IS NULL OR d.mode = $1) AND ($2::text IS NULL OR d.leg = $2) AND ($3::text IS NULL OR d.provider = $3) AND ($4::bigint IS NULL OR recon.report_number(d) < $4)
        """,
        [mode is { } m ? ModeNames.Of(m) : null, leg is { } l ? Words.Of(l) : null, provider, after], limit, cancellationToken);

    /// <summary>The books of one day, in the same order.</summary>
    public Task<IReadOnlyList<DayReport>> OfDayAsync(Mode? mode, Leg? leg, string? provider, DateOnly day, CancellationToken cancellationToken) => ReadAsync(
        "WHERE ($1::text IS NULL OR d.mode = $1) AND ($2::text IS NULL OR d.leg = $2) AND ($3::text IS NULL OR d.provider = $3) AND d.day = $4",
        [mode is { } m ? ModeNames.Of(m) : null, leg is { } l ? Words.Of(l) : null, provider, day], null, cancellationToken);

    /// <summary>Orders reports: by day, then by book.</summary>
    public static long NumberOf(DayReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var place = (report.Mode == Mode.Live ? 1 : 0) + (report.Leg == Leg.Bank ? 2 : 0) + (4 * Math.Max(0, Book.Providers.ToList().IndexOf(report.Provider)));
        return (report.Day.DayNumber * 64L) + place;
    }

    private async Task<IReadOnlyList<DayReport>> ReadAsync(string where, object?[] values, int? limit, CancellationToken cancellationToken)
    {
        var days = new List<DayReport>();
        await using (var command = database.CreateCommand($"""
            SELECT d.mode, d.leg, d.provider, d.day, d.day <= b.closed_through, d.dirty, c.day, encode(c.hash, 'hex'), c.key_id, encode(c.signature, 'hex'), c.closed_at
            FROM recon.days d JOIN recon.books b USING (mode, leg, provider)
            LEFT JOIN LATERAL (SELECT * FROM recon.closings z WHERE z.mode = d.mode AND z.leg = d.leg AND z.provider = d.provider AND z.day >= d.day AND (z.after IS NULL OR z.after < d.day)) c ON true
            {where}
            ORDER BY recon.report_number(d) DESC {(limit is { } most ? "LIMIT " + most.ToString(System.Globalization.CultureInfo.InvariantCulture) : "")}
            """))
        {
            command.With(values);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var (mode, leg, provider, day) = (Words.Parse<Mode>(reader.GetString(0)), Words.Parse<Leg>(reader.GetString(1)), reader.GetString(2), reader.GetFieldValue<DateOnly>(3));
                var closed = !await reader.IsDBNullAsync(4, cancellationToken) && reader.GetBoolean(4);
                var closing = await reader.IsDBNullAsync(6, cancellationToken)
                    ? null
                    : new ReportClosing(reader.GetFieldValue<DateOnly>(6), reader.GetString(7), reader.GetString(8), reader.GetString(9), reader.GetFieldValue<DateTimeOffset>(10));
                days.Add(new(IdOf(mode, leg, provider, day), "reconciliation_report", mode, leg, provider, day, closed, !reader.GetBoolean(5), true, [], closing));
            }
        }

        var currencies = await CurrenciesAsync(days, cancellationToken);
        return [.. days.Select((day, i) => day with { Currencies = [.. currencies[i]], Healthy = currencies[i].All(c => c.Healthy) })];
    }

    private async Task<ILookup<int, CurrencyReport>> CurrenciesAsync(List<DayReport> days, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(CurrenciesSql).With(
            days.Select(d => ModeNames.Of(d.Mode)).ToArray(), days.Select(d => Words.Of(d.Leg)).ToArray(), days.Select(d => d.Provider).ToArray(), days.Select(d => d.Day).ToArray(), Harmless);
        var rows = new List<(int Place, string Currency, long OursCount, long Ours, long TheirsCount, long Theirs, long Volume, ClassSum? Sum, long ClassVolume, long Resolved)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var sum = await reader.IsDBNullAsync(7, cancellationToken) ? null : new ClassSum(reader.GetString(7), reader.GetInt64(8), reader.GetInt64(9));
            rows.Add((
                reader.GetInt32(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6), sum, sum is null ? 0 : reader.GetInt64(10),
                reader.GetInt64(11)));
        }

        return rows.GroupBy(r => (r.Place, r.Currency)).Select(g =>
        {
            var first = g.First();
            var wrong = g.Where(r => r.Sum is not null && !Harmless.Contains(r.Sum.Class)).Sum(r => r.ClassVolume) - first.Resolved;
            var share = wrong == 0 ? 0 : (long)((Int128)wrong * 1_000_000 / Math.Max(1, first.Volume));
            return (g.Key.Place, Report: new CurrencyReport(
                g.Key.Currency, first.OursCount, first.Ours, first.TheirsCount, first.Theirs, first.Ours - first.Theirs, [.. g.Select(r => r.Sum).OfType<ClassSum>()], share, share < HealthyBelow));
        }).ToLookup(r => r.Place, r => r.Report);
    }
}
