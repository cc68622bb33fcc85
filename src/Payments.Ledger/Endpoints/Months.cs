using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>What went when the month was retired.</summary>
/// <param name="CarriedJournals">Journals with ids of this month or earlier ones that were posted later, and stay.</param>
/// <param name="Archive">The files that were written, with their SHA-256; null where none were.</param>
public sealed record RetiredView(DateTimeOffset At, long Journals, long Movements, long PendingTransfers, long CarriedJournals, string? Archive);

/// <summary>A closed month.</summary>
/// <param name="Month">As <c>2026-01</c>.</param>
/// <param name="CutAt">Everything that was posted before is in it.</param>
/// <param name="Hash">Over its balances, heads and the closing before; signed.</param>
/// <param name="AuditedAt">When its rows were last read again; null where they were not yet.</param>
public sealed record ClosedMonthView(
    string Month, string Object, DateTimeOffset CutAt, DateTimeOffset ClosedAt, long Journals, long Movements, long PendingTransfers, string Hash, string KeyId,
    DateTimeOffset? AuditedAt, RetiredView? Retired);

/// <param name="HorizonAt">The books can be asked about this moment and later ones; null: about any.</param>
/// <param name="Data">Newest first.</param>
public sealed record MonthsView(string Object, int RetentionMonths, DateTimeOffset? HorizonAt, IReadOnlyList<ClosedMonthView> Data);

/// <summary><c>GET /internal/v1/ops/months</c></summary>
internal static class Months
{
    private const string Sql = """
        SELECT to_char(c.month, 'YYYY-MM'), c.cut_at, c.closed_at, c.journals, c.movements, c.pending_transfers, encode(c.hash, 'hex'), c.key_id, a.audited_at,
            r.retired_at, r.journals, r.movements, r.pending_transfers, r.carried_journals, r.archive
        FROM ledger.closings c LEFT JOIN ledger.month_audits a ON a.month = c.month LEFT JOIN ledger.retired_months r ON r.month = c.month
        ORDER BY c.month DESC
        """;

    public static async Task<Results<Ok<MonthsView>, Problem>> ListAsync(
        HttpContext context, NpgsqlDataSource database, LedgerOptions options, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        var months = new List<ClosedMonthView>();
        await using var command = database.CreateCommand(Sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var retired = await reader.IsDBNullAsync(9, cancellationToken) ? null : new RetiredView(
                reader.GetFieldValue<DateTimeOffset>(9), reader.GetInt64(10), reader.GetInt64(11), reader.GetInt64(12), reader.GetInt64(13),
                await reader.IsDBNullAsync(14, cancellationToken) ? null : reader.GetString(14));
            months.Add(new(
                reader.GetString(0), "closed_month", reader.GetFieldValue<DateTimeOffset>(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetInt64(3), reader.GetInt64(4),
                reader.GetInt64(5), reader.GetString(6), reader.GetString(7), await reader.IsDBNullAsync(8, cancellationToken) ? null : reader.GetFieldValue<DateTimeOffset>(8), retired));
        }

        return TypedResults.Ok(new MonthsView("ledger_months", options.RetentionMonths, months.Find(m => m.Retired is not null)?.CutAt, months));
    }
}
