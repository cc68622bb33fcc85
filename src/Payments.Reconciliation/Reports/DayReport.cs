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

        var complete = new List<DayReport>();
        foreach (var day in days)
        {
            var currencies = await CurrenciesAsync(day, cancellationToken);
            complete.Add(day with { Currencies = currencies, Healthy = currencies.All(c => c.Healthy), Compared = day.Compared });
        }

        return complete;
    }

    private async Task<IReadOnlyList<CurrencyReport>> CurrenciesAsync(DayReport day, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT t.currency, t.ours_count, t.ours_net, t.theirs_count, t.theirs_net, greatest(t.ours_volume, t.theirs_volume), c.class, c.items, c.amount, c.volume
            FROM recon.day_totals t LEFT JOIN recon.day_classes c USING (mode, leg, provider, day, currency)
            WHERE t.mode = $1 AND t.leg = $2 AND t.provider = $3 AND t.day = $4 ORDER BY t.currency, c.class
            """);
        command.With(ModeNames.Of(day.Mode), Words.Of(day.Leg), day.Provider, day.Day);
        var rows = new List<(string Currency, long OursCount, long Ours, long TheirsCount, long Theirs, long Volume, ClassSum? Sum, long ClassVolume)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var sum = await reader.IsDBNullAsync(6, cancellationToken) ? null : new ClassSum(reader.GetString(6), reader.GetInt64(7), reader.GetInt64(8));
            rows.Add((reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5), sum, sum is null ? 0 : reader.GetInt64(9)));
        }

        return [.. rows.GroupBy(r => r.Currency).Select(g =>
        {
            var first = g.First();
            var wrong = g.Where(r => r.Sum is not null && !Harmless.Contains(r.Sum.Class)).Sum(r => r.ClassVolume);
            var share = wrong == 0 ? 0 : (long)((Int128)wrong * 1_000_000 / Math.Max(1, first.Volume));
            return new CurrencyReport(
                g.Key, first.OursCount, first.Ours, first.TheirsCount, first.Theirs, first.Ours - first.Theirs, [.. g.Select(r => r.Sum).OfType<ClassSum>()], share, share < HealthyBelow);
        })];
    }
}
