using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Breaks;

/// <summary>
/// Tells the payment path of charges that a report has and our books have not: Adyen has no list of charges, so that its reports are the last
/// to tell of one whose webhook never came. What becomes of it is an event, and the comparison after it closes the break.
/// </summary>
public sealed class ReportedCharges(NpgsqlDataSource database, IHttpClientFactory clients, IOptions<ReconciliationOptions> options, TimeProvider time, ILogger<ReportedCharges> logger)
{
    public const string PaymentPath = "Api";

    /// <summary>It would be the second charge of a payment, and is people's.</summary>
    private const string Left = "left";

    /// <summary>It can be no charge of ours.</summary>
    private const string Refused = "refused";

    private const int AtATime = 200;

    private static readonly Uri Path = new("internal/v1/reported_charges", UriKind.Relative);

    // Under the break's lock: whoever corrects it at this moment is seen, and sees this.
    private const string Note = """
        INSERT INTO recon.told_charges (break_id, mode)
        SELECT b.break_id, b.mode FROM recon.breaks b JOIN recon.lines l ON l.line_id = b.line_id
        WHERE b.leg = 'provider' AND b.provider = 'adyen' AND b.class = 'missing_here' AND b.state = 'open' AND b.item_id IS NULL AND b.opened_at <= $1
            AND l.kind = 'capture' AND l.gross > 0 AND l.reference IS NOT NULL AND NOT EXISTS (SELECT FROM recon.told_charges t WHERE t.break_id = b.break_id)
        ORDER BY b.break_id LIMIT $2 FOR UPDATE OF b
        ON CONFLICT DO NOTHING
        """;

    private const string Noted = """
        SELECT b.break_id, b.mode, b.provider, coalesce(l.alternative, l.reference), l.gross, l.currency, l.occurred_at, l.attempt_id
        FROM recon.told_charges t JOIN recon.breaks b USING (break_id) JOIN recon.lines l ON l.line_id = b.line_id
        WHERE t.verdict IS NULL ORDER BY b.break_id LIMIT $1
        """;

    private const string Keep = "UPDATE recon.told_charges SET verdict = $2 WHERE break_id = $1 AND verdict IS NULL";

    private sealed record Found(Guid Break, ReportedCharge Charge);

    /// <summary>How many were told; what the payment path does not take now is told with the next round.</summary>
    /// <exception cref="HttpRequestException">The payment path does not answer.</exception>
    public async Task<int> TellAsync(CancellationToken cancellationToken)
    {
        await using (var note = database.CreateCommand(Note).With(time.GetUtcNow() - TimeSpan.FromMinutes(options.Value.TellChargesAfterMinutes), AtATime))
        {
            await note.ExecuteNonQueryAsync(cancellationToken);
        }

        var noted = await NotedAsync(cancellationToken);
        using var payments = clients.CreateInternalClient(PaymentPath);
        foreach (var (id, charge) in noted)
        {
            var verdict = await TellAsync(payments, charge, cancellationToken);
            await using var keep = database.CreateCommand(Keep).With(id, verdict);
            await keep.ExecuteNonQueryAsync(cancellationToken);
            Log.ChargeTold(logger, charge.Provider, charge.Reference, verdict);
        }

        return noted.Count;
    }

    private static async Task<string> TellAsync(HttpClient payments, ReportedCharge charge, CancellationToken cancellationToken)
    {
        using var answer = await payments.PostAsJsonAsync(Path, charge, Json.Options, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.BadRequest)
        {
            // It would be refused each time, and keep the others waiting.
            return Refused;
        }

        answer.EnsureSuccessStatusCode();
        var told = await answer.Content.ReadFromJsonAsync<ReportedChargeAnswer>(Json.Options, cancellationToken) ?? throw new HttpRequestException("The answer is empty.");
        return told.Verdict is { } verdict ? Words.Of(verdict) : Left;
    }

    private async Task<List<Found>> NotedAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Noted).With(AtATime);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Found>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(new(row.GetGuid(0), new(
                Words.Parse<Mode>(row.GetString(1)), Words.Parse<Provider>(row.GetString(2)), row.GetString(3), row.GetInt64(4), row.GetString(5), row.GetFieldValue<DateTimeOffset>(6),
                await row.IsDBNullAsync(7, cancellationToken) ? null : new AttemptId(row.GetGuid(7)))));
        }

        return found;
    }
}
