using Payments.Core;
using Payments.Ledger.Exchanges;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Ledger.Endpoints;

/// <param name="Amount">Minor units.</param>
public sealed record AmountView(long Amount, string Currency);

/// <param name="DecidedBy">Who booked or refused it; null while it waits.</param>
public sealed record ExchangeView(
    JournalId Id, string Object, Mode Mode, AmountView Sold, AmountView Bought, DateTimeOffset ExchangedAt, string Reference, string Reason, ExchangeState Status, string RecordedBy, string? DecidedBy,
    string? RefusedBecause);

public sealed record RevaluationView(JournalId Id, string Object, Mode Mode, string Currency, long Gain, IReadOnlyList<FxPosition> Positions, DateTimeOffset ValuedAt, string? AskedBy);

/// <summary>
/// <c>/internal/v1/ops/exchanges</c>: what the house exchanged at its bank, above the limit approved by another person; and <c>…/revaluations</c>: what the open
/// position of all exchanges is worth.
/// </summary>
internal static class ExchangeEndpoints
{
    private const long Most = 1_000_000_000_000_000;
    private const int EarliestYear = 2000;
    private const int LongestReference = 200;
    private const int LongestReason = 2000;

    internal sealed record Request(Mode Mode, AmountView Sold, AmountView Bought, DateTimeOffset ExchangedAt, string Reference, string Reason);

    internal sealed record Refusing(string Reason);

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

        return await requests.RunAsync(context, OperatorScope.Of(context), async (work, cancellation) =>
        {
            var exchange = new OwnExchange(
                new(work.Subject), given.Mode, new(given.Sold.Amount, Currency.Of(given.Sold.Currency)), new(given.Bought.Amount, Currency.Of(given.Bought.Currency)), given.ExchangedAt, given.Reference, given.Reason);
            var transaction = await work.BeginAsync(cancellation);
            var verdict = await exchanges.RecordAsync(transaction, exchange, InternalHeaders.PersonOf(context), cancellation);
            return verdict is ExchangeVerdict.Done or ExchangeVerdict.AwaitingApproval
                ? IdempotentResponse.Ok(View(await OwnExchanges.GetAsync(transaction, exchange.Id, cancellation)))
                : Refusal(verdict);
        }, cancellationToken);
    }

    // Deciding again in the same way changes nothing: it needs no idempotency key.
    public static async Task<IResult> ApproveAsync(string id, HttpContext context, OwnExchanges exchanges, CancellationToken cancellationToken) =>
        Id.TryParse<JournalId>(id, out var exchange)
            ? await AnswerAsync(exchange, await exchanges.ApproveAsync(exchange, InternalHeaders.PersonOf(context), cancellationToken), exchanges, cancellationToken)
            : Problems.NotFound("exchange");

    public static async Task<IResult> RefuseAsync(string id, HttpContext context, OwnExchanges exchanges, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Refusing>(context, cancellationToken)).Succeeded(out var given, out var problem))
        {
            return problem;
        }

        if (given.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        return Id.TryParse<JournalId>(id, out var exchange)
            ? await AnswerAsync(exchange, await exchanges.RefuseAsync(exchange, InternalHeaders.PersonOf(context), given.Reason, cancellationToken), exchanges, cancellationToken)
            : Problems.NotFound("exchange");
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

    private static async Task<IResult> AnswerAsync(JournalId exchange, ExchangeVerdict verdict, OwnExchanges exchanges, CancellationToken cancellationToken) =>
        verdict == ExchangeVerdict.Done ? TypedResults.Ok(View(await exchanges.GetAsync(exchange, cancellationToken))) : Refusal(verdict);

    private static ExchangeView View(OwnExchanges.Row row) => new(
        row.Exchange.Id, "exchange", row.Exchange.Mode, View(row.Exchange.Sold), View(row.Exchange.Bought), row.Exchange.ExchangedAt, row.Exchange.Reference, row.Exchange.Reason,
        row.State, row.RecordedBy, row.DecidedBy, row.Because);

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

        if (given.ExchangedAt.Year < EarliestYear || given.ExchangedAt > now.AddMinutes(5))
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
        ExchangeVerdict.Known => new Problem(StatusCodes.Status409Conflict, "exchange_known", "An exchange of this reference is booked already.", "reference"),
        ExchangeVerdict.RateMissing => new Problem(StatusCodes.Status409Conflict, "rate_missing", "No exchange rate of ours is valid at that time.", "exchanged_at"),
        ExchangeVerdict.OffOurRate => new Problem(StatusCodes.Status422UnprocessableEntity, "exchange_off_our_rate", "It is more than a tenth away from our own rate of that time: look at the amounts again.", "bought"),
        ExchangeVerdict.SamePerson => new Problem(StatusCodes.Status409Conflict, "second_person_needed", "You recorded this exchange; another person is needed.", "id"),
        ExchangeVerdict.WrongState => new Problem(StatusCodes.Status409Conflict, "exchange_state_conflict", "The exchange was decided otherwise.", "id"),
        _ => new Problem(StatusCodes.Status409Conflict, "exchange_too_old", "It was recorded more than four weeks ago: refuse it, and record it again.", "id"),
    };
}
