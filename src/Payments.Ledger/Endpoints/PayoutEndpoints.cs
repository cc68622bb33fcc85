using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Payouts;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <param name="Status">Where it stands.</param>
/// <param name="Reference">What the bank calls it, as far as it said.</param>
/// <param name="AccountVersion">The bank account that it goes to, or went to: what is approved.</param>
/// <param name="AccountConfirmed">False: it is paid when another person has given the same account.</param>
public sealed record PayoutView(
    PayoutId Id, string Object, Mode Mode, MerchantId MerchantId, string Currency, long Amount, PayoutState Status, DateOnly DueOn, int AccountVersion, string IbanLast4, bool AccountConfirmed,
    string? Reference, string? Reason, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary><c>/internal/v1/ops/payouts</c>: listed, approved by two people, and told what the bank did.</summary>
internal static class PayoutEndpoints
{
    private const int LongestText = 200;

    private static readonly PayoutState[] Told = [PayoutState.Paid, PayoutState.Failed, PayoutState.Returned, PayoutState.Canceled];

    internal static readonly Problem StateConflict = new(StatusCodes.Status409Conflict, "payout_state_conflict", "From where the payout stands it does not come there.", "id");

    /// <param name="AccountVersion">The account that is approved, as the payout showed it.</param>
    internal sealed record Approval(int AccountVersion);

    internal sealed record Report(PayoutState Status, string Reference, string Reason, DateTimeOffset At);

    private const string Sql = """
        SELECT p.id, p.mode, p.merchant_id, p.currency, p.amount, c.state, p.due_on,
            coalesce((SELECT n.reference FROM ledger.payout_changes n WHERE n.payout_id = p.id AND n.reference <> '' ORDER BY n.version DESC LIMIT 1), ''), c.reason, p.created_at, c.at, a.account_version, a.iban_last4, ledger.account_confirmed(p.mode, p.merchant_id, a.account_version)
        FROM ledger.payouts p JOIN LATERAL (SELECT * FROM ledger.payout_changes n WHERE n.payout_id = p.id ORDER BY n.version DESC LIMIT 1) c ON true
        JOIN LATERAL (
            SELECT s.account_version, s.iban_last4 FROM ledger.payout_settings s WHERE s.mode = p.mode AND s.merchant_id = p.merchant_id
            ORDER BY s.version = (SELECT i.settings_version FROM ledger.payout_file_items i WHERE i.payout_id = p.id) DESC, s.version DESC LIMIT 1) a ON true
        WHERE ($1 IS NULL OR p.id < $1) AND ($2 IS NULL OR p.mode = $2) AND ($3 IS NULL OR p.merchant_id = $3) AND ($4 IS NULL OR c.state = $4) AND ($5 IS NULL OR p.id = $5)
        ORDER BY p.id DESC LIMIT $6
        """;

    public static async Task<Results<Ok<Page<PayoutView>>, Problem>> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, mode, merchant, status) =
            (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"), query.Id<MerchantId>("merchant"), query.Choice<PayoutState>("status"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var rows = await ReadAsync(database, cursor, mode is { } m ? ModeNames.Of(m) : null, merchant?.Value, status is { } s ? Words.Of(s) : null, null, limit + 1, cancellationToken);
        return TypedResults.Ok(Page.Of(rows, limit, r => Cursor.Of(r.Id.Value)));
    }

    // Approving again is refused by name: it needs no idempotency key.
    public static async Task<Results<Ok<PayoutView>, Problem>> ApproveAsync(string id, HttpContext context, PayoutApprovals approvals, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Approval>(context, cancellationToken)).Succeeded(out var approval, out var problem))
        {
            return problem;
        }

        if (!Id.TryParse<PayoutId>(id, out var payout))
        {
            return Problems.NotFound("payout");
        }

        if (approval.AccountVersion < 1)
        {
            return Problems.InvalidValue("account_version", "The account_version of the payout is expected.");
        }

        var verdict = await approvals.ApproveAsync(payout, approval.AccountVersion, InternalHeaders.PersonOf(context), cancellationToken);
        return verdict is PayoutVerdict.Done or PayoutVerdict.SecondPersonNeeded ? await FoundAsync(database, payout, cancellationToken) : Refusal(verdict);
    }

    // Told again it stands so already. What one person says of a payout that failed or came back is noted, and changes nothing until another says it too.
    public static async Task<Results<Ok<PayoutView>, Problem>> ReportAsync(
        string id, HttpContext context, PayoutBooks books, NpgsqlDataSource database, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Report>(context, cancellationToken)).Succeeded(out var told, out var problem))
        {
            return problem;
        }

        if (!Id.TryParse<PayoutId>(id, out var payout))
        {
            return Problems.NotFound("payout");
        }

        if (Check(told, time.GetUtcNow()) is { } wrong)
        {
            return wrong;
        }

        var verdict = await books.ChangeAsync(payout, new(told.Status, told.Reference, told.Reason, InternalHeaders.PersonOf(context), told.At), cancellationToken);
        return verdict is PayoutVerdict.Done or PayoutVerdict.Duplicate or PayoutVerdict.SecondPersonNeeded ? await FoundAsync(database, payout, cancellationToken) : Refusal(verdict);
    }

    private static Problem? Check(Report told, DateTimeOffset now)
    {
        if (!Told.Contains(told.Status))
        {
            return Problems.InvalidValue("status", $"One of these is expected: {string.Join(", ", Told.Select(s => Words.Of(s)))}.");
        }

        foreach (var (param, text) in new[] { ("reference", told.Reference), ("reason", told.Reason) })
        {
            if (text.Length > LongestText)
            {
                return Problems.InvalidValue(param, $"A text of at most {LongestText} characters is expected.");
            }
        }

        return told.At.Year >= 2000 && told.At <= now.AddDays(1) ? null : Problems.InvalidValue("at", "A time in the past is expected.");
    }

    private static Problem Refusal(PayoutVerdict verdict) => verdict switch
    {
        PayoutVerdict.NotFound => Problems.NotFound("payout"),
        PayoutVerdict.SamePerson => new Problem(StatusCodes.Status409Conflict, "second_person_needed", "You approved this payout before; another person is needed.", "id"),
        PayoutVerdict.OtherAccount => new Problem(
            StatusCodes.Status409Conflict, "payout_account_changed", "The payout goes to another bank account than the one you approve; read it and decide again.", "account_version"),
        _ => StateConflict,
    };

    private static async Task<Results<Ok<PayoutView>, Problem>> FoundAsync(NpgsqlDataSource database, PayoutId payout, CancellationToken cancellationToken) =>
        TypedResults.Ok((await ReadAsync(database, null, null, null, null, payout.Value, 1, cancellationToken)).Single());

    internal static async Task<List<PayoutView>> ReadAsync(
        NpgsqlDataSource database, Guid? cursor, string? mode, Guid? merchant, string? state, Guid? id, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Sql);
        foreach (var (value, type) in new (object?, NpgsqlDbType)[] { (cursor, NpgsqlDbType.Uuid), (mode, NpgsqlDbType.Text), (merchant, NpgsqlDbType.Uuid), (state, NpgsqlDbType.Text), (id, NpgsqlDbType.Uuid) })
        {
            command.Parameters.Add(new() { Value = value ?? DBNull.Value, NpgsqlDbType = type });
        }

        command.With(limit);
        var rows = new List<PayoutView>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            rows.Add(new(
                new(row.GetGuid(0)), "payout", Words.Parse<Mode>(row.GetString(1)), new(row.GetGuid(2)), row.GetString(3), row.GetInt64(4), Words.Parse<PayoutState>(row.GetString(5)),
                row.GetFieldValue<DateOnly>(6), row.GetInt32(11), row.GetString(12), row.GetBoolean(13), Text(7), Text(8), row.GetFieldValue<DateTimeOffset>(9), row.GetFieldValue<DateTimeOffset>(10)));
        }

        return rows;

        string? Text(int column) => row.GetString(column) is { Length: > 0 } text ? text : null;
    }
}
