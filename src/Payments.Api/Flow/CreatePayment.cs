using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Payments.Api.Privacy;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary><c>POST /v1/payments</c>: authorizes a card payment, and captures it too unless asked not to; or debits a bank account.</summary>
public static partial class CreatePayment
{
    private const int LongestDescription = 500;
    private const int LongestOrderId = 100;
    private const int LongestUrl = 2048;
    private const int MostMetadata = 50;
    private const int LongestMetadataKey = 40;
    private const int LongestMetadataValue = 500;

    private static readonly string[] OtherMethods = ["apple_pay", "google_pay", "bank_transfer", "bnpl"];

    /// <param name="Amount">Minor units.</param>
    /// <param name="Currency">ISO 4217, upper case.</param>
    public sealed record Request(
        long Amount,
        string Currency,
        Method PaymentMethod,
        CaptureMethod CaptureMethod = CaptureMethod.Automatic,
        string? Description = null,
        string? OrderId = null,
        Dictionary<string, string>? Metadata = null,
        string? StatementDescriptor = null,
        string? ReturnUrl = null,
        string? ReceiptEmail = null,
        string? CustomerReference = null,
        RiskContextBody? RiskContext = null,
        ThreeDSecureWish? ThreeDSecure = null,
        Initiator InitiatedBy = Initiator.Customer);

    /// <summary>What a merchant may ask for beyond what the tables say; less than they say it cannot ask for.</summary>
    public enum ThreeDSecureWish
    {
        NoPreference,
        Challenge,
    }

    /// <param name="Token">A token of the vault (<c>tok_…</c>).</param>
    public sealed record Method(string? Token = null, string Type = PaymentMethodTypes.Card);

    /// <summary>Everything that creating needs.</summary>
    public sealed record Services(
        Entrance Entrance, IMerchants Merchants, IVault Vault, FraudCheck Fraud, Router Router, PaymentWriter Writer, Execution Execution, PersonalData Personal, IdSource Ids,
        TimeProvider Time);

    public static async Task<IResult> HandleAsync(HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (!(await services.Entrance.EnterAsync(context, cancellationToken)).Succeeded(out var entered, out var problem))
        {
            return problem;
        }

        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out problem)
            || !Validate(request, services.Time.GetUtcNow()).Succeeded(out var valid, out problem))
        {
            return problem;
        }

        if (await services.Entrance.RecallAsync(entered, cancellationToken) is { } recalled)
        {
            return recalled;
        }

        var (merchantId, mode) = (entered.Caller.MerchantId, entered.Caller.Mode);
        if (await services.Merchants.FindAsync(merchantId, cancellationToken) is not { Active: true } merchant)
        {
            return Problems.MerchantSuspended;
        }

        if (await services.Vault.FindAsync(merchantId, mode, valid.Token, cancellationToken) is not { } token)
        {
            return await services.Entrance.RefuseAsync(entered, TokenNotFound, cancellationToken);
        }

        if (token.Type != request.PaymentMethod.Type)
        {
            return await services.Entrance.RefuseAsync(entered, MethodMismatch(token), cancellationToken);
        }

        var blank = Blank(services.Ids.New<PaymentId>(), merchant, mode, request, valid, token);
        var told = new Told(request.CustomerReference, RiskContexts.Merge(valid.Context, token.Context));
        var decision = await services.Fraud.AskAsync(blank, token, services.Entrance.HashOf(entered), told, cancellationToken);
        blank = blank.IsBankDebit ? Decided(blank, decision) : Decided(blank, decision, request, token);

        var route = services.Router.Plan(new RouteQuestion(
            blank.Id, mode, blank.Amount, token.Brand, token.Country, token.Funding, [.. token.ProviderTokens.Keys], merchant.PreferredProvider));
        if (route.Candidates.Count == 0 && !blank.IsRejected)
        {
            return await services.Entrance.RefuseAsync(entered, route.MayHelpToWait ? NoProviderNow : NoProvider, cancellationToken);
        }

        return await RunAsync(services, entered, merchant, blank, token, route, told, cancellationToken);
    }

    private static async Task<IResult> RunAsync(
        Services services, MerchantRequest entered, Merchant merchant, PaymentState blank, CardToken token, RoutePlan route, Told told, CancellationToken cancellationToken)
    {
        var opened = new NewOperation(services.Ids.New<OperationId>(), services.Ids.New<AttemptId>(), services.Time.GetUtcNow()) { RequestKey = entered.Key };
        var payment = Opening.Payment(blank, opened, blank.IsRejected ? null : Attempt(opened, blank, route.Candidates[0].Provider));
        var change = blank.IsRejected
            ? new Change(0, payment, [], [new Happening(Core.Events.PaymentEventTypes.Rejected, payment, null, null)])
            {
                Claim = entered.ClaimFor(null),
                Answer = Answers.Rejected(payment, entered.Key),
            }
            : new Change(0, payment, payment.Operations, [])
            {
                Claim = entered.ClaimFor(opened.Id),
                Volume = Changes.VolumeOf(payment, payment.Amount.Minor, merchant.MonthlyLimits.TryGetValue(payment.Mode, out var most) ? most : null),
            };
        change = told.IsNothing ? change : change with { Context = services.Personal.Seal(payment.Id, payment.MerchantId, payment.Mode, told) };
        Activity.Current?.SetTag("payments.payment_id", payment.Id.ToString());

        // From here on the request runs to its end, also if the client hangs up.
        Steps.Reached(Steps.IntentBefore);
        var written = await services.Writer.WriteAsync(change);
        Steps.Reached(Steps.IntentAfter);
        switch (written)
        {
            case Verdict.KeyTaken:
                return await services.Entrance.ReplayAsync(entered, cancellationToken) ?? Problems.IdempotencyKeyInUse;
            case Verdict.OverLimit:
                return VolumeExceeded;
            case Verdict.Conflict:
                throw new InvariantException("a new payment conflicts with nothing");
            default:
                FlowTelemetry.Created(payment);
                break;
        }

        if (payment.IsRejected)
        {
            var answer = change.Answer!;
            services.Entrance.Remember(entered, answer.Status!.Value, answer.Body!, TimeSpan.Zero);
            return new RawAnswer(answer.Status.Value, answer.Body!, replayed: false);
        }

        var ran = await services.Execution.RunAsync(payment, opened.Id, token, route.Candidates.Skip(1).Select(c => c.Provider), admitted: true);
        return await services.Entrance.AnswerAsync(entered, ran, opened.Id);
    }

    private static NewAttempt Attempt(NewOperation opened, PaymentState payment, Provider provider) =>
        new(opened.AttemptId, provider, ProviderCosts.PriceOf(provider, payment.Details.PaymentMethod, payment.Amount));

    private static PaymentState Blank(PaymentId id, Merchant merchant, Mode mode, Request request, Valid valid, CardToken token)
    {
        var amount = new Money(request.Amount, valid.Currency);
        var method = token.BankAccount is null
            ? new PaymentMethodView(PaymentMethodTypes.Card, token.Brand, token.Last4, token.Country, token.Funding, token.Id.ToString())
            : new PaymentMethodView(PaymentMethodTypes.Ach, null, token.Last4, token.Country, null, token.Id.ToString());
        return new PaymentState(
            id, merchant.Id, mode, amount,
            new PaymentDetails(
                request.CaptureMethod, method, merchant.Plan.Version, merchant.Plan.PriceOf(method, amount),
                request.OrderId, request.Description, request.StatementDescriptor ?? merchant.StatementDescriptor,
                merchant.SendsReceipts ? request.ReceiptEmail : null, request.ReturnUrl,
                request.Metadata ?? [])
            { CardFingerprint = token.Fingerprint, Initiator = request.InitiatedBy });
    }

    /// <summary>
    /// A debit can neither be held for a person nor challenged, and the customer may have its money back for weeks: what a card would be
    /// reviewed for is rejected, what a card would only be challenged for passes.
    /// </summary>
    private static PaymentState Decided(PaymentState blank, FraudDecision decision) => blank with
    {
        Risk = new RiskView(decision.Score, decision.Verdict is FraudVerdict.Reject or FraudVerdict.Review ? FraudVerdict.Reject : FraudVerdict.Approve, decision.Factors),
    };

    /// <summary>What the fraud decision means for the payment: held or not, and how its customer is authenticated.</summary>
    private static PaymentState Decided(PaymentState blank, FraudDecision decision, Request request, CardToken token)
    {
        var wanted = request.ThreeDSecure switch
        {
            ThreeDSecureWish.Challenge => ThreeDSecureRequest.Challenge,
            ThreeDSecureWish.NoPreference => ThreeDSecureRequest.NoPreference,
            _ => ThreeDSecureRequest.None,
        };
        // What nobody scored is not known to be harmless.
        int? score = decision.Factors.Contains(FraudFallback.Factor) ? null : decision.Score;
        var plan = Authenticating.Plan(new AuthenticationQuestion(score, decision.Verdict, decision.ThreeDSecure, wanted, token.Country, blank.Amount, request.InitiatedBy));
        return blank with
        {
            Risk = new RiskView(decision.Score, decision.Verdict, decision.Factors),
            HeldForReview = decision.Verdict == FraudVerdict.Review,
            Details = blank.Details with { Authentication = plan },
        };
    }

    /// <summary>What strict reading cannot see, in the order of the body.</summary>
    internal static Read<Valid> Validate(Request request, DateTimeOffset now)
    {
        if (request.Amount <= 0)
        {
            return Problems.InvalidValue("amount", "An amount is a positive number of minor units.");
        }

        if (!Currency.TryFind(request.Currency, out var currency))
        {
            return new Problem(400, "currency_not_supported", $"One of these is expected, in upper case: {string.Join(", ", Currency.All)}.", "currency");
        }

        if (request.Amount > currency.LargestPayment)
        {
            return new Problem(400, "amount_too_large", $"A payment in {currency} may be up to {new Money(currency.LargestPayment, currency)}.", "amount");
        }

        if (request.PaymentMethod.Type is not (PaymentMethodTypes.Card or PaymentMethodTypes.Ach))
        {
            return OtherMethods.Contains(request.PaymentMethod.Type)
                ? new Problem(400, "payment_method_not_supported", "Payments by card and ach are supported; this method is not yet.", "payment_method.type")
                : Problems.InvalidValue("payment_method.type", "card or ach is expected.");
        }

        if (request.PaymentMethod.Type == PaymentMethodTypes.Ach && RefuseDebit(request, currency) is { } unfit)
        {
            return unfit;
        }

        if (request.PaymentMethod.Token is null)
        {
            return Problems.MissingField("payment_method.token");
        }

        if (!Id.TryParse<TokenId>(request.PaymentMethod.Token, out var token))
        {
            return TokenNotFound;
        }

        if (Texts(request) is { } problem)
        {
            return problem;
        }

        if (RiskContexts.Check(request.RiskContext, now, out var context) is { } wrong)
        {
            return wrong;
        }

        return request is { InitiatedBy: Initiator.Merchant, ThreeDSecure: not null }
            ? Problems.InvalidValue("three_d_secure", "Nobody is there to be authenticated when the merchant starts the payment.")
            : new Valid(currency, token, context);
    }

    private static Problem? RefuseDebit(Request request, Currency currency) =>
        currency.Code != "USD" ? new Problem(400, "currency_not_supported", "Bank accounts are debited in USD.", "currency")
        : request.CaptureMethod == CaptureMethod.Manual ? new Problem(400, "manual_capture_not_supported", "A bank account is debited at once: nothing can be held on it.", "capture_method")
        : request.ThreeDSecure is not null ? new Problem(400, "three_d_secure_not_supported", "Authentication is of cards only.", "three_d_secure")
        : null;

    private static Problem? Texts(Request request) =>
        Length("description", request.Description, LongestDescription)
        ?? Length("order_id", request.OrderId, LongestOrderId)
        ?? Metadata(request.Metadata)
        ?? (request.StatementDescriptor is { } descriptor && !Descriptor().IsMatch(descriptor)
            ? Problems.InvalidValue("statement_descriptor", "2 to 22 characters are expected: letters, digits, space, dot, hyphen; at least one letter.") : null)
        ?? (request.ReturnUrl is { } url && !IsWeb(url) ? Problems.InvalidValue("return_url", "An absolute http or https URL of up to 2048 characters is expected.") : null)
        ?? (request.ReceiptEmail is { } email && !RiskContexts.IsEmail(email)
            ? Problems.InvalidValue("receipt_email", "An e-mail address is expected.") : null)
        ?? Length("customer_reference", request.CustomerReference, RiskContexts.LongestCustomerReference);

    private static Problem? Length(string name, string? text, int longest) =>
        text is not null && (text.Length == 0 || text.Length > longest) ? Problems.InvalidValue(name, $"A text of 1 to {longest} characters is expected.") : null;

    private static Problem? Metadata(Dictionary<string, string>? metadata)
    {
        if (metadata is null)
        {
            return null;
        }

        return metadata.Count > MostMetadata || metadata.Any(m => m.Key.Length is 0 or > LongestMetadataKey || m.Value.Length > LongestMetadataValue)
            ? Problems.InvalidValue("metadata", $"Up to {MostMetadata} entries are expected, keys of 1 to {LongestMetadataKey} and values of up to {LongestMetadataValue} characters.")
            : null;
    }

    private static bool IsWeb(string url) =>
        url.Length <= LongestUrl && Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp);

    [GeneratedRegex(@"^(?=.*[A-Za-z])[A-Za-z0-9 .\-]{2,22}\z")]
    private static partial Regex Descriptor();

    private static readonly Problem TokenNotFound = new(422, "token_not_found", "There is no such token in this mode.", "payment_method.token");
    private static Problem MethodMismatch(CardToken token) => new(422, "payment_method_mismatch", $"This token is for payments of type {token.Type}.", "payment_method.type");

    private static readonly Problem NoProvider = new(422, "no_provider_available", "No provider can take this payment: the card is not known to any that serves this amount and currency.", "payment_method.token");
    private static readonly Problem NoProviderNow = new(503, "provider_unavailable", "No provider can be reached at the moment; nothing was done. Repeat the request with the same Idempotency-Key.") { RetryAfter = TimeSpan.FromSeconds(5) };
    private static readonly Problem VolumeExceeded = new(422, "monthly_volume_exceeded", "This payment would exceed the merchant's volume limit of the month.", "amount");

    internal sealed record Valid(Currency Currency, TokenId Token, RiskContext? Context);
}
