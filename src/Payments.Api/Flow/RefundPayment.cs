using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary><c>POST /v1/payments/{id}/refunds</c>: gives back what was captured, all of it or a part.</summary>
public static class RefundPayment
{
    private const int LongestReason = 200;

    /// <param name="Amount">Minor units; absent: everything that is left.</param>
    /// <param name="Reason">The merchant's own words; providers know <c>duplicate</c>, <c>fraudulent</c> and <c>requested_by_customer</c>.</param>
    public sealed record Request(long? Amount = null, string? Reason = null);

    public static async Task<IResult> HandleAsync(HttpContext context, string id, Entrance entrance, ModifyPayment modify, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entrance);
        ArgumentNullException.ThrowIfNull(modify);
        if (!(await entrance.EnterAsync(context, cancellationToken)).Succeeded(out var entered, out var problem)
            || !(await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out var request, out problem))
        {
            return problem;
        }

        if (request.Amount <= 0)
        {
            return Problems.InvalidValue("amount", "An amount is a positive number of minor units.");
        }

        return request.Reason is { Length: 0 or > LongestReason }
            ? Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.")
            : await modify.RunAsync(entered, id, (payment, limits, opened) => Opening.Refund(payment, request.Amount, limits, opened), request.Reason, cancellationToken);
    }
}
