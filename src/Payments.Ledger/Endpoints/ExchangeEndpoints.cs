using Payments.Core;
using Payments.Ledger.Exchanges;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Ledger.Endpoints;

/// <param name="Amount">Minor units.</param>
public sealed record AmountView(long Amount, string Currency);

/// <param name="Status"><c>booked</c>, or <c>awaiting_approval</c>.</param>
public sealed record ExchangeView(
    JournalId Id, string Object, Mode Mode, AmountView Sold, AmountView Bought, DateTimeOffset ExchangedAt, string Reference, string Reason, string Status, string ProposedBy, string? ApprovedBy);

public sealed record RevaluationView(JournalId Id, string Object, Mode Mode, string Currency, long Gain, IReadOnlyList<FxPosition> Positions, DateTimeOffset ValuedAt, string? AskedBy);

/// <summary>
/// <c>/internal/v1/ops/exchanges</c>: what the house exchanged at its bank, above the limit approved by another person; and <c>…/revaluations</c>: what the open
/// position of all exchanges is worth.
/// </summary>
internal static class ExchangeEndpoints
{
    private const long Most = 1_000_000_000_000_000;
    private const int LongestReference = 200;
    private const int LongestReason = 2000;

    internal sealed record Request(Mode Mode, AmountView Sold, AmountView Bought, DateTimeOffset ExchangedAt, string Reference, string Reason);

    internal sealed record RevaluationRequest(Mode Mode);

    public static async Task<IResult> RecordAsync(HttpContext context, OwnExchanges exchanges, IdempotentRequests requests, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var given, out var problem))
        {
            return problem;
        }

        if (Check(given, time.GetUtcNow()) is { } wrong)
        {
            return wrong;
        }

        var exchange = new OwnExchange(
            given.Mode, new(given.Sold.Amount, Currency.Of(given.Sold.Currency)), new(given.Bought.Amount, Currency.Of(given.Bought.Currency)), Microseconds(given.ExchangedAt), given.Reference, given.Reason);
        return await requests.RunAsync(context, OperatorScope.Of(context), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            var verdict = await exchanges.RecordAsync(transaction, exchange, InternalHeaders.PersonOf(context), cancellation);
            return verdict is ExchangeVerdict.Booked or ExchangeVerdict.AwaitingApproval
                ? IdempotentResponse.Ok(View((await exchanges.FindAsync(transaction, exchange.Id, cancellation))!))
                : Refusal(verdict);
        }, cancellationToken);
    }

    // Approving what is booked changes nothing: it needs no idempotency key.
    public static async Task<IResult> ApproveAsync(string id, HttpContext context, OwnExchanges exchanges, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<JournalId>(id, out var exchange))
        {
            return Problems.NotFound("exchange");
        }

        var verdict = await exchanges.ApproveAsync(exchange, InternalHeaders.PersonOf(context), cancellationToken);
        return verdict == ExchangeVerdict.Booked ? TypedResults.Ok(View((await exchanges.FindAsync(null, exchange, cancellationToken))!)) : Refusal(verdict);
    }

    public static async Task<IResult> ListAsync(HttpContext context, OwnExchanges exchanges, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, mode) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"));
        return query.Problem is { } problem
            ? problem
            : TypedResults.Ok(Page.Of([.. (await exchanges.ListAsync(cursor, mode, limit + 1, cancellationToken)).Select(View)], limit, x => Cursor.Of(x.Id.Value)));
    }

    public static async Task<IResult> RevalueAsync(HttpContext context, Revaluations revaluations, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<RevaluationRequest>(context, cancellationToken)).Succeeded(out var given, out var problem))
        {
            return problem;
        }

        return await requests.RunAsync(context, OperatorScope.Of(context), async (work, cancellation) =>
            await revaluations.RevalueAsync(await work.BeginAsync(cancellation), given.Mode, InternalHeaders.PersonOf(context), cancellation) switch
            {
                { Done: { } done } => IdempotentResponse.Ok(View(done)),
                { Missing: [_, ..] missing } => new Problem(StatusCodes.Status409Conflict, "rate_missing", $"No exchange rate of ours is valid now for {string.Join(", ", missing)}.", "mode"),
                _ => new Problem(StatusCodes.Status409Conflict, "no_open_exchanges", "No exchange stands open: there is nothing to value.", "mode"),
            }, cancellationToken);
    }

    public static async Task<IResult> ListRevaluationsAsync(HttpContext context, Revaluations revaluations, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, mode) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"));
        return query.Problem is { } problem
            ? problem
            : TypedResults.Ok(Page.Of([.. (await revaluations.ListAsync(cursor, mode, limit + 1, cancellationToken)).Select(View)], limit, r => Cursor.Of(r.Id.Value)));
    }

    // The database keeps no more: an id made of it must be the same when it is made again.
    private static DateTimeOffset Microseconds(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    private static ExchangeView View(OwnExchanges.Row row) => new(
        row.Exchange.Id, "exchange", row.Exchange.Mode, View(row.Exchange.Sold), View(row.Exchange.Bought), row.Exchange.ExchangedAt, row.Exchange.Reference, row.Exchange.Reason,
        row.Booked ? "booked" : "awaiting_approval", row.ProposedBy, row.ApprovedBy);

    private static AmountView View(Money money) => new(money.Minor, money.Currency.Code);

    private static RevaluationView View(Revaluation done) => new(done.Id, "revaluation", done.Mode, done.Currency, done.Amount, done.Positions, done.ValuedAt, done.AskedBy);

    private static Problem? Check(Request given, DateTimeOffset now)
    {
        foreach (var (param, of) in new[] { ("sold", given.Sold), ("bought", given.Bought) })
        {
            if (of.Amount is < 1 or > Most)
            {
                return Problems.InvalidValue(param + ".amount", $"An amount from 1 to {Most} is expected.");
            }

            if (!Currency.TryFind(of.Currency, out _))
            {
                return Problems.InvalidValue(param + ".currency", "An accepted currency is expected.");
            }
        }

        if (given.Sold.Currency == given.Bought.Currency)
        {
            return Problems.InvalidValue("bought.currency", "Another currency than what was sold is expected.");
        }

        if (given.ExchangedAt > now.AddMinutes(5))
        {
            return Problems.InvalidValue("exchanged_at", "A time in the past is expected.");
        }

        if (given.Reference.Length is 0 or > LongestReference)
        {
            return Problems.InvalidValue("reference", $"A text of 1 to {LongestReference} characters is expected.");
        }

        return given.Reason.Length is 0 or > LongestReason ? Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.") : null;
    }

    private static Problem Refusal(ExchangeVerdict verdict) => verdict switch
    {
        ExchangeVerdict.NotFound => Problems.NotFound("exchange"),
        ExchangeVerdict.Known => new Problem(StatusCodes.Status409Conflict, "exchange_known", "An exchange of this reference is recorded already.", "reference"),
        ExchangeVerdict.RateMissing => new Problem(StatusCodes.Status409Conflict, "rate_missing", "No exchange rate of ours is valid at that time.", "exchanged_at"),
        ExchangeVerdict.OffOurRate => new Problem(StatusCodes.Status422UnprocessableEntity, "exchange_off_our_rate", "It is more than a tenth away from our own rate of that time: look at the amounts again.", "bought"),
        ExchangeVerdict.SamePerson => new Problem(StatusCodes.Status409Conflict, "second_person_needed", "You recorded this exchange; another person is needed.", "id"),
        _ => new Problem(StatusCodes.Status409Conflict, "exchange_too_old", "What is booked anew is of the last four weeks.", "exchanged_at"),
    };
}
