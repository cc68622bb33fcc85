using System.Text.Json;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary>What a merchant's request is answered with, as a function of the payment: the same for the request itself and for whoever settles it later.</summary>
internal static class Answers
{
    public const string Json = "application/json";

    /// <summary>The answer of the request that wanted this operation: final, or the note that the outcome is unknown; null while it runs.</summary>
    public static StoredAnswer? Of(PaymentState payment, Operation operation)
    {
        if (operation.RequestKey is not { } key || operation.State == OperationState.Open)
        {
            return null;
        }

        return IsUnresolved(operation) ? new StoredAnswer(key, null, null) : Final(payment, operation, key);
    }

    public static StoredAnswer Rejected(PaymentState payment, RequestKey key) => new(key, StatusCodes.Status201Created, Body(payment));

    /// <summary>Nothing came of it and nothing will: the merchant may use the key again.</summary>
    public static bool IsReleased(Operation operation) =>
        operation is { State: OperationState.Failed, Current.State: AttemptState.NotProcessed, Kind: not OperationKind.Authorize };

    public static bool IsUnresolved(Operation operation) =>
        operation.State == OperationState.Unknown
        || (operation is { Kind: OperationKind.Authorize, State: OperationState.Pending, Current.State: not AttemptState.NeedsAction });

    public static byte[] Body(PaymentState payment) => JsonSerializer.SerializeToUtf8Bytes(payment.View(), Core.Json.Options);

    /// <summary>What a request shows of its operation while the outcome is unknown.</summary>
    public static byte[] Body(PaymentState payment, Operation operation) =>
        operation.Kind == OperationKind.Refund ? JsonSerializer.SerializeToUtf8Bytes(RefundView.Of(payment, operation), Core.Json.Options) : Body(payment);

    private static StoredAnswer Final(PaymentState payment, Operation operation, RequestKey key) => operation switch
    {
        { Kind: OperationKind.Authorize } => new StoredAnswer(key, StatusCodes.Status201Created, Body(payment)),
        { Kind: OperationKind.Refund } => new StoredAnswer(key, StatusCodes.Status201Created, Body(payment, operation)),
        { State: OperationState.Failed } => Refused(operation, key),
        _ => new StoredAnswer(key, StatusCodes.Status200OK, Body(payment)),
    };

    private static StoredAnswer Refused(Operation operation, RequestKey key)
    {
        var word = Words.Of(operation.Kind);
        var problem = new Problem(
            StatusCodes.Status422UnprocessableEntity, word + "_failed",
            $"The provider refused the {word}: {operation.Current?.Decline?.Message ?? operation.Reason ?? "no reason given"}", "id");
        return new StoredAnswer(key, problem.Status, problem.ToBytes(operation.Id.ToString()));
    }
}

/// <summary>A refund as merchants read it.</summary>
public sealed record RefundView(
    string Id,
    string Object,
    string PaymentId,
    Mode Mode,
    RefundStatus Status,
    long Amount,
    string Currency,
    string? Reason,
    DeclineView? Failure,
    Provider? Provider,
    string? ProviderReference,
    DateTimeOffset CreatedAt)
{
    public static RefundView Of(PaymentState payment, Operation operation)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(operation);
        return new RefundView(
            RefundId.From(operation.Id.Value).ToString(), "refund", payment.Id.ToString(), payment.Mode,
            operation.State switch
            {
                OperationState.Succeeded => RefundStatus.Succeeded,
                OperationState.Failed or OperationState.Reversed => RefundStatus.Failed,
                _ => RefundStatus.Pending,
            },
            operation.AmountMinor, payment.Amount.Currency.Code, operation.Reason, operation.Current?.Decline,
            operation.Current?.Provider ?? payment.AuthorizingAttempt?.Provider, operation.ProviderReference ?? operation.Current?.ModificationReference,
            operation.CreatedAt);
    }
}

public enum RefundStatus
{
    Pending,
    Succeeded,
    Failed,
}

/// <summary>A stored or fresh answer, byte for byte.</summary>
internal sealed class RawAnswer(int status, byte[] body, bool replayed) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = status >= 400 ? Problem.ContentType : Answers.Json;
        response.ContentLength = body.Length;
        if (replayed)
        {
            response.Headers[Platform.Idempotency.IdempotencyKey.ReplayedHeader] = "true";
        }

        await response.Body.WriteAsync(body, httpContext.RequestAborted);
    }
}
