using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Api.Flow;

/// <summary>Asks for a fraud decision within its budget. Without an answer the payment goes on, marked so: a card that is not scored is not a card that is refused.</summary>
public sealed class FraudCheck(IFraudScorer scorer, IOptions<FlowOptions> options, TimeProvider time, ILogger<FraudCheck> logger)
{
    private static readonly FraudDecision Unavailable = new(0, FraudVerdict.Approve, ["fraud_scoring_unavailable"]);

    public async Task<FraudDecision> AskAsync(PaymentState payment, CardToken token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(token);
        var budget = TimeSpan.FromMilliseconds(options.Value.FraudBudgetMilliseconds);
        using var limit = new CancellationTokenSource(budget, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            return await scorer.ScoreAsync(
                new FraudRequest(
                    payment.Id, payment.MerchantId, payment.Mode, payment.Amount.Minor, payment.Amount.Currency.Code, token.Fingerprint, token.Brand, token.Bin,
                    token.Country, token.Funding),
                both.Token).WaitAsync(budget, time, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.FraudUnavailable(logger, payment.Id, e.GetType().Name);
            return Unavailable;
        }
    }
}
