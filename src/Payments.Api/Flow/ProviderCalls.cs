using Microsoft.Extensions.Options;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Api.Flow;

/// <summary>Makes the call that an attempt stands for. The same attempt gives the same call, so a repeat is the same request to the provider.</summary>
public sealed class ProviderCalls(ConnectorRegistry connectors, IVault vault, IOptions<FlowOptions> options, ILogger<ProviderCalls> logger)
{
    /// <param name="token">The card, where the caller has it at hand.</param>
    public async Task<Outcome> MakeAsync(PaymentState payment, Operation operation, Attempt attempt, CardToken? token)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(operation);
        ArgumentNullException.ThrowIfNull(attempt);
        if (connectors.Find(attempt.Provider, payment.Mode) is not { } connector)
        {
            return new Outcome(OutcomeKind.NotProcessed) { Detail = "no credentials for this provider" };
        }

        try
        {
            // Not the request's token: a call that moves money is not given up because a client hung up. Connectors have limits of their own.
            return operation.Kind switch
            {
                OperationKind.Authorize => await AuthorizeAsync(connector, payment, attempt, token),
                OperationKind.Capture => await connector.CaptureAsync(Modify(payment, operation, attempt), CancellationToken.None),
                OperationKind.Void => await connector.VoidAsync(Modify(payment, operation, attempt), CancellationToken.None),
                _ => await connector.RefundAsync(Modify(payment, operation, attempt), CancellationToken.None),
            };
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // Connectors answer outages with an outcome, so this is a bug; the request may have left all the same.
            Log.ConnectorFailed(logger, e, attempt.Id, attempt.Provider);
            return new Outcome(OutcomeKind.Unknown) { Detail = e.GetType().Name };
        }
    }

    /// <summary>Asks the provider what became of an attempt.</summary>
    public async Task<ReadBack> ReadAsync(PaymentState payment, Operation operation, Attempt attempt, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(operation);
        ArgumentNullException.ThrowIfNull(attempt);
        if (connectors.Find(attempt.Provider, payment.Mode) is not { } connector)
        {
            return new ReadBack(ReadBackKind.Unanswered);
        }

        // Without a reference the provider is searched: by the card that was charged, or through everything since then.
        var reference = attempt.PaymentReference ?? (operation.Kind == OperationKind.Authorize ? null : payment.AuthorizingAttempt?.PaymentReference);
        var card = reference is null ? await CardOfAsync(payment, cancellationToken) : null;
        return await connector.ReadAsync(
            new ReadCall(operation.Kind, attempt.Id, payment.Id, payment.Mode, AmountOf(payment, operation), reference, attempt.ModificationReference, attempt.OpenedAt)
            {
                ProviderToken = card?.ProviderTokens.GetValueOrDefault(attempt.Provider),
            },
            cancellationToken);
    }

    /// <summary>Finishes a challenge with what the customer's browser brought back.</summary>
    public async Task<Outcome> CompleteAsync(PaymentState payment, Attempt attempt, IReadOnlyDictionary<string, string> query)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(attempt);
        return connectors.Find(attempt.Provider, payment.Mode) is { } connector
            ? await connector.CompleteChallengeAsync(
                new ChallengeCall(attempt.Id, payment.Id, payment.Mode, payment.Amount, CapturesNow(payment), attempt.PaymentReference, query), CancellationToken.None)
            : new Outcome(OutcomeKind.Unknown) { Detail = "no credentials for this provider" };
    }

    public ProviderLimits LimitsOf(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return payment.AuthorizingAttempt is { } attempt && connectors.Find(attempt.Provider, payment.Mode)?.Capabilities is { } can
            ? new ProviderLimits(can.PartialCapture, can.MultipleCaptures, can.VoidAfterPartialCapture)
            {
                OverCapture = can.OverCapture,
                AmountStep = AmountSteps.Of(attempt.Provider, payment.Amount.Currency),
            }
            : new ProviderLimits(false, false, false);
    }

    private async Task<Outcome> AuthorizeAsync(IConnector connector, PaymentState payment, Attempt attempt, CardToken? token)
    {
        token ??= await CardOfAsync(payment, CancellationToken.None);
        if (token?.ProviderTokens.GetValueOrDefault(attempt.Provider) is not { } providerToken)
        {
            return new Outcome(OutcomeKind.NotProcessed) { Detail = "the card is not known to this provider any more" };
        }

        var plan = Authenticating.Of(payment, attempt.Id);
        return await connector.AuthorizeAsync(
            new AuthorizeCall(
                attempt.Id, payment.Id, payment.MerchantId, payment.Mode, payment.Amount, CapturesNow(payment),
                plan.Requested, providerToken, payment.Details.Description, payment.Details.StatementDescriptor,
                $"{options.Value.PublicUrl.TrimEnd('/')}/v1/payments/{payment.Id}/return")
            { Exemption = plan.Exemption, CustomerPresent = payment.Details.Initiator == Initiator.Customer, Mandate = token.BankAccount?.Mandate },
            CancellationToken.None);
    }

    /// <summary>Null once the token was deleted, and where there never was one.</summary>
    private Task<CardToken?> CardOfAsync(PaymentState payment, CancellationToken cancellationToken)
    {
        if (payment.Details is { PaymentMethod.Token: null, Origin: PaymentOrigin.Recovered })
        {
            return Task.FromResult<CardToken?>(null);
        }

        Invariant.Holds(Id.TryParse<TokenId>(payment.Details.PaymentMethod.Token, out var id), "a payment is made with a token");
        return vault.FindAsync(payment.MerchantId, payment.Mode, id, cancellationToken);
    }

    private static bool CapturesNow(PaymentState payment) => payment.Details.CaptureMethod == CaptureMethod.Automatic && !payment.HeldForReview;

    private static ModifyCall Modify(PaymentState payment, Operation operation, Attempt attempt)
    {
        var authorized = payment.AuthorizingAttempt ?? throw new InvariantException("what is modified was tried at a provider");
        return new ModifyCall(
            attempt.Id, payment.Id, operation.Id, payment.Mode, attempt.PaymentReference ?? authorized.PaymentReference ?? authorized.Id.ToString(),
            AmountOf(payment, operation), operation.Final, operation.Reason);
    }

    private static Money AmountOf(PaymentState payment, Operation operation) => new(operation.AmountMinor, payment.Amount.Currency);
}
