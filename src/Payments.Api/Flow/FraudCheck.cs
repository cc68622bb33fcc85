using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Api.Flow;

/// <summary>Asks for a fraud decision within its budget. Without an answer the payment goes on, marked so: a card that is not scored is not a card that is refused.</summary>
public sealed class FraudCheck(IFraudScorer scorer, IOptions<FlowOptions> options, TimeProvider time, ILogger<FraudCheck> logger)
{
    private readonly FraudWithinBudget bounded = new(
        scorer, time, TimeSpan.FromMilliseconds(options.Value.FraudBudgetMilliseconds),
        (request, e) => Log.FraudUnavailable(logger, request.PaymentId, e.GetType().Name));

    public Task<FraudDecision> AskAsync(PaymentState payment, CardToken token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(token);
        return bounded.ScoreAsync(
            new FraudRequest(
                payment.Id, payment.MerchantId, payment.Mode, payment.Amount.Minor, payment.Amount.Currency.Code, token.Fingerprint, token.Brand, token.Bin,
                token.Country, token.Funding),
            cancellationToken);
    }
}
