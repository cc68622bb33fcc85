using Payments.Core;
using Xunit;
using static Payments.Core.FraudVerdict;
using static Payments.Core.ThreeDSecureRequest;

namespace Payments.Tests.Flow;

public class AuthenticatingTests
{
    private static readonly PaymentSamples Samples = new();

    // Who pays how much with which card, how it was scored, and what is asked for: the tables of docs/three-d-secure.md with their edges.
    private static readonly (int? Score, FraudVerdict Verdict, ThreeDSecureRequest Asked, ThreeDSecureRequest Wanted, string? Country, long Amount, string Currency, Initiator By,
        ThreeDSecureRequest Requested, ScaExemption? Exemption)[] Table =
    [
        // Risk alone: a card out of scope.
        (0,    Approve,   None,         None,         "US", 500_000, "USD", Initiator.Customer, None, null),
        (29,   Approve,   None,         None,         "US", 500_000, "USD", Initiator.Customer, None, null),
        (30,   Approve,   None,         None,         "US", 500_000, "USD", Initiator.Customer, NoPreference, null),
        (59,   Approve,   None,         None,         "US", 100,     "USD", Initiator.Customer, NoPreference, null),
        (60,   Approve,   None,         None,         "US", 100,     "USD", Initiator.Customer, ThreeDSecureRequest.Challenge, null),
        (84,   Approve,   None,         None,         "US", 100,     "USD", Initiator.Customer, ThreeDSecureRequest.Challenge, null),
        (40,   FraudVerdict.Challenge, None, None,    "US", 100,     "USD", Initiator.Customer, ThreeDSecureRequest.Challenge, null),
        (70,   Review,    None,         None,         "US", 50_000,  "USD", Initiator.Customer, NoPreference, null),
        (null, Approve,   None,         None,         null, 50_000,  "USD", Initiator.Customer, None, null),

        // What the fraud decision says itself goes before the bands.
        (40,   FraudVerdict.Challenge, NoPreference, None, "US", 100, "USD", Initiator.Customer, NoPreference, null),
        (10,   Approve,   ThreeDSecureRequest.Challenge, None, "US", 100, "USD", Initiator.Customer, ThreeDSecureRequest.Challenge, null),

        // The merchant may ask for more, not for less.
        (0,    Approve,   None,         ThreeDSecureRequest.Challenge, "US", 100, "USD", Initiator.Customer, ThreeDSecureRequest.Challenge, null),
        (0,    Approve,   None,         NoPreference, "US", 100,     "USD", Initiator.Customer, NoPreference, null),
        (70,   Approve,   None,         NoPreference, "US", 100,     "USD", Initiator.Customer, ThreeDSecureRequest.Challenge, null),

        // Strong customer authentication from 30 euros, and what is spared.
        (0,    Approve,   None,         None,         "NL", 2_999,   "EUR", Initiator.Customer, None, ScaExemption.LowValue),
        (29,   Approve,   None,         None,         "NL", 2_999,   "EUR", Initiator.Customer, None, ScaExemption.LowValue),
        (30,   Approve,   None,         None,         "NL", 2_999,   "EUR", Initiator.Customer, NoPreference, null),
        (9,    Approve,   None,         None,         "NL", 3_000,   "EUR", Initiator.Customer, None, ScaExemption.LowRisk),
        (10,   Approve,   None,         None,         "NL", 3_000,   "EUR", Initiator.Customer, NoPreference, null),
        (9,    Approve,   None,         None,         "NL", 10_000,  "EUR", Initiator.Customer, None, ScaExemption.LowRisk),
        (9,    Approve,   None,         None,         "NL", 10_001,  "EUR", Initiator.Customer, NoPreference, null),
        (0,    Approve,   None,         None,         "GB", 10_001,  "EUR", Initiator.Customer, NoPreference, null),
        (0,    Approve,   None,         None,         "IS", 10_001,  "EUR", Initiator.Customer, NoPreference, null),
        (0,    Approve,   None,         None,         "CH", 10_001,  "EUR", Initiator.Customer, None, null),
        (0,    Approve,   None,         None,         null, 10_001,  "EUR", Initiator.Customer, None, null),
        (0,    Approve,   None,         ThreeDSecureRequest.Challenge, "NL", 100, "EUR", Initiator.Customer, ThreeDSecureRequest.Challenge, null),

        // What nobody scored is not known to be harmless.
        (null, Approve,   None,         None,         "NL", 2_999,   "EUR", Initiator.Customer, None, ScaExemption.LowValue),
        (null, Approve,   None,         None,         "NL", 3_000,   "EUR", Initiator.Customer, NoPreference, null),

        // Thirty euros in other currencies.
        (20,   Approve,   None,         None,         "DE", 3_299,   "USD", Initiator.Customer, None, ScaExemption.LowValue),
        (20,   Approve,   None,         None,         "DE", 3_300,   "USD", Initiator.Customer, NoPreference, null),
        (20,   Approve,   None,         None,         "DE", 4_949,   "JPY", Initiator.Customer, None, ScaExemption.LowValue),
        (20,   Approve,   None,         None,         "DE", 4_950,   "JPY", Initiator.Customer, NoPreference, null),
        (20,   Approve,   None,         None,         "DE", 10_199,  "KWD", Initiator.Customer, None, ScaExemption.LowValue),
        (20,   Approve,   None,         None,         "DE", 10_200,  "KWD", Initiator.Customer, NoPreference, null),

        // Nobody is there to be challenged.
        (70,   Approve,   ThreeDSecureRequest.Challenge, None, "NL", 50_000, "EUR", Initiator.Merchant, None, ScaExemption.MerchantInitiated),
    ];

    public static TheoryData<int> Rows() => new(Enumerable.Range(0, Table.Length));

    [Theory]
    [MemberData(nameof(Rows))]
    public void Risk_regulation_and_exemptions_decide_by_their_tables(int row)
    {
        var (score, verdict, asked, wanted, country, amount, currency, by, requested, exemption) = Table[row];

        var plan = Authenticating.Plan(new AuthenticationQuestion(score, verdict, asked, wanted, country, new Money(amount, Currency.Of(currency)), by));

        Assert.Equal(new AuthenticationPlan(requested, exemption), plan);
    }

    [Fact]
    public void Every_currency_has_its_worth_in_euros_about_as_its_largest_payment_has()
    {
        foreach (var currency in Currency.All)
        {
            // A payment is at most about a million dollars, which is 0.95 million euros.
            var euros = currency.LargestPayment / (double)Authenticating.Euros(1, currency);
            Assert.InRange(euros, 800_000, 1_100_000);
        }
    }

    [Fact]
    public void An_issuer_that_refuses_an_exemption_is_asked_again_with_a_challenge_once()
    {
        var blank = Samples.Blank();
        blank = blank with { Details = blank.Details with { Authentication = new AuthenticationPlan(None, ScaExemption.LowValue) } };
        var opened = Samples.New("create");
        var payment = Opening.Payment(blank, opened, new NewAttempt(opened.AttemptId, Provider.Adyen, PaymentSamples.Cost));
        Assert.True(Authenticating.MayStepUp(payment, opened.AttemptId, "authentication_required"));
        Assert.False(Authenticating.MayStepUp(payment, opened.AttemptId, "insufficient_funds"));

        var second = Samples.New();
        var refused = Samples.FactOf(payment, OperationKind.Authorize, FactOutcome.Declined) with
        {
            Provider = Provider.Adyen,
            Decline = new DeclineView("authentication_required", DeclineKind.Soft, "38", "Authenticate."),
            Instead = new NewAttempt(second.AttemptId, Provider.Adyen, PaymentSamples.Cost),
        };
        var again = PaymentSamples.Apply(payment, refused);

        Assert.Equal(new AuthenticationPlan(None, ScaExemption.LowValue), Authenticating.Of(again, opened.AttemptId));
        Assert.Equal(new AuthenticationPlan(ThreeDSecureRequest.Challenge, null), Authenticating.Of(again, second.AttemptId));
        Assert.False(Authenticating.MayStepUp(again, second.AttemptId, "authentication_required"));
    }

    [Fact]
    public void Nobody_is_challenged_in_a_payment_that_the_merchant_started()
    {
        var blank = Samples.Blank();
        blank = blank with { Details = blank.Details with { Initiator = Initiator.Merchant, Authentication = new AuthenticationPlan(None, ScaExemption.MerchantInitiated) } };
        var opened = Samples.New();
        var payment = Opening.Payment(blank, opened, new NewAttempt(opened.AttemptId, Provider.Adyen, PaymentSamples.Cost));

        Assert.False(Authenticating.MayStepUp(payment, opened.AttemptId, "authentication_required"));
    }

    [Fact]
    public void What_the_issuer_said_is_kept_and_told_the_flow_from_what_was_seen()
    {
        var told = new AuthenticationOutcome(AuthenticationResult.Authenticated, null, "05", "2.2.0", true);
        var frictionless = PaymentSamples.Apply(Samples.Opened(), Samples.FactOf(Samples.Opened(), OperationKind.Authorize, FactOutcome.Succeeded) with { AttemptId = null, Authentication = told });
        Assert.Equal(told with { Flow = AuthenticationFlow.Frictionless }, frictionless.Authentication);

        var asked = Samples.Tell(Samples.Opened(), OperationKind.Authorize, FactOutcome.NeedsAction);
        var challenged = PaymentSamples.Apply(asked, Samples.FactOf(asked, OperationKind.Authorize, FactOutcome.Succeeded) with { Authentication = told });
        Assert.Equal((AuthenticationFlow.Challenge, true), (challenged.Authentication!.Flow!.Value, challenged.View().Authentication!.LiabilityShift));

        var failed = PaymentSamples.Apply(asked, Samples.FactOf(asked, OperationKind.Authorize, FactOutcome.Declined) with
        {
            Authentication = new AuthenticationOutcome(AuthenticationResult.Failed, null, null, null, false),
        });
        Assert.Equal((AuthenticationResult.Failed, false), (failed.View().Authentication!.Result!.Value, failed.View().Authentication!.LiabilityShift));
    }

    [Fact]
    public void What_comes_after_the_success_still_completes_it_and_says_nothing_twice()
    {
        var told = new AuthenticationOutcome(AuthenticationResult.Authenticated, AuthenticationFlow.Challenge, "05", "2.2.0", true);
        var authorized = Samples.Authorized();
        var fact = Samples.FactOf(authorized, OperationKind.Authorize, FactOutcome.Succeeded) with { Authentication = told };

        var applied = Assert.IsType<Application.Applied>(Applying.Apply(authorized, fact));

        Assert.Equal((told, authorized.Version + 1), (applied.Payment.Authentication, applied.Payment.Version));
        Assert.Empty(applied.Happenings);
        Assert.IsType<Application.NoOp>(Applying.Apply(applied.Payment, fact));
    }
}
