using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary>
/// <c>GET /v1/payments/{id}/return</c>: where a customer's browser comes back to after a challenge. The query is no evidence: the
/// provider is asked. Then the browser goes on to the merchant's page.
/// </summary>
public static class ReturnFromChallenge
{
    private const int LongestValue = 20_000;

    public static async Task<IResult> HandleAsync(
        HttpContext context, string id, PaymentStore store, DueAttempts due, ProviderCalls calls, Learning learning, IdSource ids, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(due);
        ArgumentNullException.ThrowIfNull(calls);
        ArgumentNullException.ThrowIfNull(learning);
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(time);
        if (!Id.TryParse<PaymentId>(id, out var paymentId)
            || await store.LocateAsync(paymentId, cancellationToken) is not { } key
            || await store.FindAsync(key, cancellationToken) is not { } payment)
        {
            return Problems.NotFound("payment");
        }

        while (Resolving.MayBeFinished(payment) && payment is { Authorization: { } authorize, AuthorizingAttempt: { } attempt })
        {
            if (!await due.HandOverAsync(payment, attempt.Id, cancellationToken))
            {
                payment = await store.FindAsync(key, cancellationToken) ?? throw new InvariantException("a payment never disappears");
                continue;
            }

            var query = context.Request.Query.Where(q => q.Value is [{ Length: <= LongestValue }]).ToDictionary(q => q.Key, q => q.Value.ToString(), StringComparer.Ordinal);
            var outcome = await calls.CompleteAsync(payment, attempt, query);
            if (outcome.Kind is OutcomeKind.NeedsAction or OutcomeKind.NotProcessed)
            {
                await due.TakeBackAsync(payment, attempt.Id);
            }

            payment = (await learning.LearnAsync(payment, Facts.Of(authorize.Kind, attempt, outcome, ids.New<OperationId>(), time.GetUtcNow()))).Payment;
            break;
        }

        var status = Words.Of(payment.Status);
        return payment.Details.ReturnUrl is { } url
            ? Results.Redirect(QueryHelpers.AddQueryString(url, new Dictionary<string, string?> { ["payment"] = payment.Id.ToString(), ["status"] = status }))
            : Results.Content(Page(status), "text/html; charset=utf-8", Encoding.UTF8);
    }

    private static string Page(string status) => $"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>Payment</title></head>
        <body><p>Your payment is <strong>{status.Replace('_', ' ')}</strong>. You may close this window.</p></body></html>
        """;
}
