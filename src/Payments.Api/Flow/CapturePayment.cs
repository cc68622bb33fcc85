using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary><c>POST /v1/payments/{id}/capture</c>: takes what was authorized, all of it or a part.</summary>
public static class CapturePayment
{
    /// <param name="Amount">Minor units; absent: everything that is left.</param>
    /// <param name="Final">No other capture follows: the rest is released.</param>
    public sealed record Request(long? Amount = null, bool? Final = null);

    public static async Task<IResult> HandleAsync(HttpContext context, string id, Entrance entrance, ModifyPayment modify, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entrance);
        ArgumentNullException.ThrowIfNull(modify);
        if (!(await entrance.EnterAsync(context, cancellationToken)).Succeeded(out var entered, out var problem)
            || !(await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out var request, out problem))
        {
            return problem;
        }

        return request.Amount <= 0
            ? Problems.InvalidValue("amount", "An amount is a positive number of minor units.")
            : await modify.RunAsync(entered, id, (payment, limits, opened) => Opening.Capture(payment, request.Amount, request.Final, limits, opened), null, cancellationToken);
    }
}
