using Microsoft.Extensions.Options;
using Payments.Api.Privacy;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Api.Flow;

/// <summary>
/// Asks for a fraud decision within its budget. Without an answer the documented default by amount decides, marked so: a card that is not
/// scored is not a card that is refused.
/// </summary>
public sealed class FraudCheck(IFraudScorer scorer, IOptions<FlowOptions> options, TimeProvider time, ILogger<FraudCheck> logger)
{
    private readonly FraudWithinBudget bounded = new(
        new FraudCircuit(scorer, time), time, TimeSpan.FromMilliseconds(options.Value.FraudBudgetMilliseconds), options.Value.FraudDefault,
        (request, e) => Log.FraudUnavailable(logger, request.PaymentId, e.GetType().Name), FraudCircuit.ReasonOf);

    /// <param name="requestHash">Equal for repeats and races of one request.</param>
    public Task<FraudDecision> AskAsync(PaymentState payment, CardToken token, string requestHash, Told told, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(told);
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(token);
        return bounded.ScoreAsync(
            new FraudRequest(
                payment.Id, payment.MerchantId, payment.Mode, payment.Amount.Minor, payment.Amount.Currency.Code, token.Fingerprint, token.Brand, token.Bin,
                token.Country, token.Funding)
            { RequestHash = requestHash, CustomerReference = told.CustomerReference, Context = told.Context, Method = payment.IsBankDebit ? FraudMethods.BankTransfer : FraudMethods.Card },
            cancellationToken);
    }
}
