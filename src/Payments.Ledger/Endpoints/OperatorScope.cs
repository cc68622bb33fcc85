using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Ledger.Endpoints;

/// <summary>Within what an operator's idempotency keys are unique: the operator's own key, which another service authenticated.</summary>
internal static class OperatorScope
{
    public static IdempotencyScope Of(HttpContext context) => new("operator/" + InternalHeaders.ActorOf(context));
}
