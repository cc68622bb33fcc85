using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.Tests.Connectors;

public sealed class RouterTests
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly ProviderStanding StripeUp = new(Provider.Stripe, CircuitState.Closed, 100);
    private static readonly ProviderStanding AdyenUp = new(Provider.Adyen, CircuitState.Closed, 100);

    [Fact]
    public void The_cheapest_provider_takes_ninety_five_percent_and_the_other_five()
    {
        var plans = Many(Question() with { Country = "DE" }, [StripeUp, AdyenUp]);
        Assert.All(plans, p => Assert.Equal(2, p.Candidates.Count));
        var warm = plans.Count(p => p.Candidates[0] is { Provider: Provider.Stripe, Reason: RouteReasons.WarmTraffic });
        Assert.InRange(warm, 400, 600);
        Assert.Equal(10_000 - warm, plans.Count(p => p.Candidates[0] is { Provider: Provider.Adyen, Reason: RouteReasons.Cheapest }));
    }

    [Fact]
    public void Asking_again_answers_the_same()
    {
        for (var i = 0; i < 200; i++)
        {
            var question = Question() with { PaymentId = Ids.New<PaymentId>() };
            Assert.Equal(Router.Plan(question, [StripeUp, AdyenUp]).Candidates, Router.Plan(question, [AdyenUp, StripeUp]).Candidates);
        }
    }

    [Theory]
    [InlineData(Provider.Stripe)]
    [InlineData(Provider.Adyen)]
    public void A_preferred_provider_takes_all_while_its_circuit_is_closed(Provider preferred)
    {
        var plans = Many(Question() with { Preferred = preferred, Country = "DE" }, [StripeUp, AdyenUp]);
        Assert.All(plans, p => Assert.Equal((preferred, RouteReasons.Preferred), (p.Candidates[0].Provider, p.Candidates[0].Reason)));
        Assert.All(plans, p => Assert.Equal(RouteReasons.Fallback, p.Candidates[1].Reason));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(30)]
    [InlineData(50)]
    public void A_returning_provider_takes_its_share(int share)
    {
        var plans = Many(Question() with { Preferred = Provider.Stripe }, [new(Provider.Stripe, CircuitState.Ramping, share), AdyenUp]);
        Assert.InRange(plans.Count(p => p.Candidates[0].Provider == Provider.Stripe), (share * 100) - 250, (share * 100) + 250);
        Assert.All(plans.Where(p => p.Candidates[0].Provider == Provider.Adyen), p => Assert.Equal(RouteReasons.Ramp, p.Candidates[0].Reason));
    }

    [Fact]
    public void Whoever_has_a_payment_at_ten_percent_still_has_it_at_thirty()
    {
        for (var i = 0; i < 2_000; i++)
        {
            var question = Question() with { PaymentId = Ids.New<PaymentId>(), Preferred = Provider.Stripe };
            var first = new[] { 10, 30, 50 }.Select(s => Router.Plan(question, [new(Provider.Stripe, CircuitState.Ramping, s), AdyenUp]).Candidates[0].Provider == Provider.Stripe).ToList();
            Assert.Equal(first.Order(), first);
        }
    }

    [Fact]
    public void An_open_circuit_takes_nothing_not_even_as_fallback()
    {
        var plan = Router.Plan(Question() with { Preferred = Provider.Stripe }, [new(Provider.Stripe, CircuitState.Open, 0), AdyenUp]);
        Assert.Equal([Provider.Adyen], plan.Candidates.Select(c => c.Provider));
        Assert.Equal([new RouteExclusion(Provider.Stripe, RouteReasons.CircuitOpen)], plan.Excluded);
        Assert.False(plan.MayHelpToWait);
    }

    [Fact]
    public void With_every_circuit_open_waiting_may_help_and_without_a_token_it_does_not()
    {
        ProviderStanding[] down = [new(Provider.Stripe, CircuitState.Open, 0), new(Provider.Adyen, CircuitState.Open, 0)];
        Assert.True(Router.Plan(Question(), down).MayHelpToWait);
        Assert.Empty(Router.Plan(Question(), down).Candidates);

        var untokenised = Router.Plan(Question() with { TokenisedAt = [] }, [StripeUp, AdyenUp]);
        Assert.Empty(untokenised.Candidates);
        Assert.False(untokenised.MayHelpToWait);
        Assert.All(untokenised.Excluded, e => Assert.Equal(RouteReasons.NoToken, e.Reason));
    }

    [Fact]
    public void A_provider_without_the_card_or_without_credentials_is_excluded_by_name()
    {
        var plan = Router.Plan(Question() with { TokenisedAt = [Provider.Adyen] }, [StripeUp, AdyenUp]);
        Assert.Equal([Provider.Adyen], plan.Candidates.Select(c => c.Provider));
        Assert.Equal([new RouteExclusion(Provider.Stripe, RouteReasons.NoToken)], plan.Excluded);

        plan = Router.Plan(Question(), [StripeUp]);
        Assert.Equal([new RouteExclusion(Provider.Adyen, RouteReasons.NotConfigured)], plan.Excluded);
    }

    [Fact]
    public void Stripe_takes_three_decimal_currencies_only_in_steps_of_ten()
    {
        var fils = Question() with { Amount = new Money(1_005, Currency.Of("KWD")) };
        Assert.Equal([new RouteExclusion(Provider.Stripe, RouteReasons.AmountNotSupported)], Router.Plan(fils, [StripeUp, AdyenUp]).Excluded);
        Assert.Empty(Router.Plan(fils with { Amount = new Money(1_010, Currency.Of("KWD")) }, [StripeUp, AdyenUp]).Excluded);
    }

    // provider, brand, country, funding, amount in US cents, cost in US cents
    [Theory]
    [InlineData(Provider.Stripe, "visa", "US", "credit", 10_000, 320)]
    [InlineData(Provider.Stripe, "visa", "DE", "debit", 10_000, 355)]
    [InlineData(Provider.Stripe, "visa", null, null, 10_000, 470)]
    [InlineData(Provider.Adyen, "visa", "US", "debit", 10_000, 214)]
    [InlineData(Provider.Adyen, "visa", "US", "credit", 10_000, 328)]
    [InlineData(Provider.Adyen, "amex", "US", "credit", 10_000, 353)]
    [InlineData(Provider.Adyen, "visa", "NL", "credit", 10_000, 103)]
    [InlineData(Provider.Adyen, "visa", "NL", "debit", 10_000, 93)]
    [InlineData(Provider.Adyen, "visa", "JP", "credit", 10_000, 323)]
    [InlineData(Provider.Stripe, "visa", "US", "credit", 20, 20)]
    public void Costs_follow_the_table(Provider provider, string? brand, string? country, string? funding, long amount, long cost) =>
        Assert.Equal(cost, ProviderCosts.Estimate(provider, brand, country, funding, new Money(amount, Currency.Of("USD"))));

    [Fact]
    public void Every_provider_brand_country_and_currency_has_a_cost_between_nothing_and_the_amount()
    {
        foreach (var provider in Enum.GetValues<Provider>())
        {
            foreach (var currency in Currency.All)
            {
                foreach (var country in new[] { "US", "GB", "JP", null })
                {
                    foreach (var amount in new[] { 1L, 100, currency.LargestPayment })
                    {
                        Assert.InRange(ProviderCosts.Estimate(provider, "visa", country, "credit", new Money(amount, currency)), 0, amount);
                    }
                }
            }
        }
    }

    private static RouteQuestion Question() => new(
        Ids.New<PaymentId>(), Mode.Test, new Money(5_000, Currency.Of("EUR")), "visa", "US", "credit", [Provider.Stripe, Provider.Adyen], null);

    private static List<RoutePlan> Many(RouteQuestion question, ProviderStanding[] standing) =>
        [.. Enumerable.Range(0, 10_000).Select(_ => Router.Plan(question with { PaymentId = Ids.New<PaymentId>() }, standing))];
}
