using System.Text.Json;
using System.Text.Json.Nodes;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary><c>GET /v1/payments/{id}</c>, <c>GET /v1/payments</c> and <c>GET /v1/refunds/{id}</c>.</summary>
public static class ReadPayments
{
    private const int LongestOrderId = 100;

    /// <summary>A payment has a handful at most.</summary>
    public const int MostRecoveries = 100;

    /// <summary>One payment with its attempts, refunds and timeline.</summary>
    public static async Task<IResult> OneAsync(HttpContext context, string id, PaymentStore store, Recoveries recoveries, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(recoveries);
        var query = new RequestQuery(context);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var caller = context.Caller();
        return Id.TryParse<PaymentId>(id, out var paymentId)
            && await store.FindAsync(new PaymentKey(caller.MerchantId, caller.Mode, paymentId), cancellationToken) is { } payment
                ? new RawAnswer(StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(Detailed(payment, await recoveries.ListAsync(payment.Id, null, null, MostRecoveries, cancellationToken)), Json.Options), replayed: false)
                : Problems.NotFound("payment");
    }

    public static async Task<IResult> ManyAsync(HttpContext context, PaymentList list, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(list);
        var query = new RequestQuery(context);
        var caller = context.Caller();
        var filter = FilterOf(query) with { Merchant = caller.MerchantId, Mode = caller.Mode };
        var (limit, after) = (query.Limit(), query.CursorId());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var payments = await list.FindAsync(filter, limit + 1, after, cancellationToken);
        var page = Page.Of(payments, limit, p => Cursor.Of(p.Id.Value));
        return new RawAnswer(
            StatusCodes.Status200OK,
            JsonSerializer.SerializeToUtf8Bytes(new Page<PaymentView>([.. page.Data.Select(p => p.View())], page.HasMore, page.NextCursor), Json.Options), replayed: false);
    }

    public static async Task<IResult> RefundAsync(HttpContext context, string id, PaymentStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var query = new RequestQuery(context);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var caller = context.Caller();
        if (!Id.TryParse<RefundId>(id, out var refundId))
        {
            return Problems.NotFound("refund");
        }

        var operationId = OperationId.From(refundId.Value);
        return await store.LocateAsync(caller.MerchantId, caller.Mode, operationId, cancellationToken) is { } key
            && await store.FindAsync(key, cancellationToken) is { } payment
            && payment.Operations.FirstOrDefault(o => o.Id == operationId) is { Kind: OperationKind.Refund } operation
                ? new RawAnswer(StatusCodes.Status200OK, Answers.Body(payment, operation), replayed: false)
                : Problems.NotFound("refund");
    }

    /// <summary>The filters that merchants and operators share.</summary>
    public static PaymentFilter FilterOf(RequestQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        var (from, after) = (query.Instant("created[gte]"), query.Instant("created[gt]"));
        var (before, until) = (query.Instant("created[lt]"), query.Instant("created[lte]"));
        return new PaymentFilter(
            null, null, query.Choice<PaymentStatus>("status"), query.Text("order_id", LongestOrderId),
            Latest(from, after?.AddMilliseconds(1)), Earliest(before, until?.AddMilliseconds(1)));
    }

    /// <summary>A payment with everything that is known of its way.</summary>
    public static JsonObject Detailed(PaymentState payment, IReadOnlyList<RecordedRecovery> recoveries)
    {
        ArgumentNullException.ThrowIfNull(payment);
        var json = JsonSerializer.SerializeToNode(payment.View(), Json.Options)!.AsObject();
        json["attempts"] = JsonSerializer.SerializeToNode(payment.Operations.SelectMany(AttemptsOf).ToList(), Json.Options);
        json["refunds"] = JsonSerializer.SerializeToNode(
            payment.Operations.Where(o => o is { Kind: OperationKind.Refund, IsExtra: false }).Select(o => RefundView.Of(payment, o)).ToList(), Json.Options);
        json["disputes"] = JsonSerializer.SerializeToNode(payment.Disputes.Select(d => DisputeView.Of(payment, d)).ToList(), Json.Options);
        json["timeline"] = JsonSerializer.SerializeToNode(payment.Operations.Select(EntryOf).OrderBy(e => e.CreatedAt).ToList(), Json.Options);
        json["recoveries"] = JsonSerializer.SerializeToNode(
            recoveries.Reverse().Select(r => new RecoveryEntry(r.Recovered.Id.ToString(), r.Recovered.Kind, RecoveryKinds.IsInOperatorsWords(r.Recovered.Kind) ? null : r.Recovered.Reason, r.Recovered.AttemptId?.ToString(), r.At)).ToList(), Json.Options);
        return json;
    }

    private static IEnumerable<AttemptView> AttemptsOf(Operation operation) => operation.Attempts.Select(a => new AttemptView(
        a.Id.ToString(), operation.Kind, a.Provider, a.State, a.PaymentReference, a.ModificationReference, a.Decline, a.OpenedAt, a.ClosedAt));

    private static TimelineEntry EntryOf(Operation operation) => new(
        operation.Id.ToString(), operation.Kind, operation.State, operation.AmountMinor, operation.Final, operation.Origin, operation.Reason,
        operation.CreatedAt, operation.ChangedAt);

    private static DateTimeOffset? Latest(DateTimeOffset? a, DateTimeOffset? b) => a is null || b > a ? b ?? a : a;

    private static DateTimeOffset? Earliest(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b ?? a : a;

    private sealed record AttemptView(
        string Id, OperationKind Operation, Provider Provider, AttemptState State, string? ProviderReference, string? ModificationReference,
        DeclineView? Decline, DateTimeOffset OpenedAt, DateTimeOffset? ClosedAt);

    /// <summary>What was put right in between; operators read the whole record, and what they wrote in it is for them.</summary>
    private sealed record RecoveryEntry(string Id, string Kind, string? Reason, string? AttemptId, DateTimeOffset At);

    private sealed record TimelineEntry(
        string Id, OperationKind Kind, OperationState State, long Amount, bool Final, OperationOrigin Origin, string? Reason, DateTimeOffset CreatedAt,
        DateTimeOffset ChangedAt);
}
