using Payments.Fraud.Rules;
using Payments.Fraud.Velocity;
using Xunit;

namespace Payments.Tests.Fraud;

public sealed class RuleExpressionTests
{
    private static readonly EntityHash Hash = new(new byte[32]);

    private static readonly PaymentFacts Facts = new()
    {
        Amount = 12_345,
        Currency = "EUR",
        Method = "card",
        CardBrand = "visa",
        CardBin = "424242",
        CardCountry = "FR",
        CardFunding = "credit",
        ShippingCountry = "US",
        EmailDomain = Hash.EmailDomain("example.com").ToString("N"),
        AccountAgeDays = 0.5,
        Hour = 3,
        FirstPurchase = true,
        HasCustomer = true,
        HasIp = false,
        HasDevice = false,
        HasEmail = true,
    };

    // condition, whether it holds for these facts
    [Theory]
    [InlineData("amount = 12345", true)]
    [InlineData("amount != 12345", false)]
    [InlineData("amount < 12345", false)]
    [InlineData("amount <= 12345", true)]
    [InlineData("amount > 12344.5", true)]
    [InlineData("amount >= 12346", false)]
    [InlineData("amount > -1", true)]
    [InlineData("12345 = amount", true)]
    [InlineData("amount_usd > 133.32", true)]
    [InlineData("amount_usd > 133.33", false)]
    [InlineData("currency = 'EUR'", true)]
    [InlineData("currency = 'eur'", true)]
    [InlineData("card.country != shipping.country", true)]
    [InlineData("card.country in ('DE', 'FR')", true)]
    [InlineData("card.country not in ('DE', 'FR')", false)]
    [InlineData("card.country in ('DE')", false)]
    [InlineData("card.bin = '424242'", true)]
    [InlineData("email.domain = 'example.com'", true)]
    [InlineData("email.domain in ('EXAMPLE.com', 'example.org')", true)]
    [InlineData("email.domain != 'example.org'", true)]
    [InlineData("account.age_days < 1", true)]
    [InlineData("hour in (2, 3, 4)", true)]
    [InlineData("first_purchase", true)]
    [InlineData("not first_purchase", false)]
    [InlineData("first_purchase = true", true)]
    [InlineData("customer.given and not ip.given", true)]
    [InlineData("true", true)]
    [InlineData("false or true and false", false)]
    [InlineData("true or true and false", true)]
    [InlineData("(true or true) and false", false)]
    [InlineData("not false and true", true)]
    [InlineData("not (false and true)", true)]
    [InlineData("not not true", true)]
    [InlineData("card.attempts_5m = 0 and ip.cards_1h < 1 and merchant.attempts_30d <= 60000", true)]

    // What is not known is neither equal nor unequal, and not of it is not known either.
    [InlineData("ip.country = 'US'", false)]
    [InlineData("ip.country != 'US'", false)]
    [InlineData("not (ip.country = 'US')", false)]
    [InlineData("ip.country in ('US')", false)]
    [InlineData("ip.country not in ('US')", false)]
    [InlineData("ip.country = 'US' or true", true)]
    [InlineData("ip.country = 'US' and false or true", true)]
    [InlineData("ip.country is unknown", true)]
    [InlineData("ip.country is known", false)]
    [InlineData("card.country is known and session.seconds is unknown", true)]
    [InlineData("amount_sigmas > 3", false)]
    public void A_condition_holds_or_does_not(string condition, bool holds)
    {
        var parsed = RuleExpression.Parse(condition, Hash, out var error);
        Assert.Null(error);
        Assert.Equal(holds, parsed!.Matches(Facts));
    }

    // condition, place of what is wrong, a part of what is said
    [Theory]
    [InlineData("", 1, "nexpected end of input")]
    [InlineData("amount >", 9, "nexpected end of input")]
    [InlineData("amount > > 1", 10, "nexpected operator")]
    [InlineData("amount > 1 and", 15, "nexpected end of input")]
    [InlineData("(amount > 1", 12, "nexpected end of input")]
    [InlineData("amount > 1)", 11, "nexpected")]
    [InlineData("amount ? 1", 8, "cannot be read")]
    [InlineData("currency = \"EUR\"", 12, "cannot be read")]
    [InlineData("currency = 'EUR", 12, "cannot be read")]
    [InlineData("wealth > 1", 1, "There is no 'wealth'")]
    [InlineData("amount > 1 and card.colour = 'red'", 16, "There is no 'card.colour'")]
    [InlineData("amount > 'x'", 8, "A number cannot be compared with a text")]
    [InlineData("currency > 'A'", 10, "compares numbers only")]
    [InlineData("amount", 1, "A condition is expected")]
    [InlineData("amount and true", 1, "A condition is expected")]
    [InlineData("'x'", 1, "A condition is expected")]
    [InlineData("amount in (1, 'x')", 15, "A number is expected")]
    [InlineData("5 in (1, 2)", 1, "A name is expected")]
    [InlineData("card.attempts_5m > 255", 20, "counts up to 255")]
    [InlineData("card.attempts_5m in (1, 255)", 25, "counts up to 255")]
    [InlineData("merchant.attempts_5m > 65535", 24, "counts up to 65535")]
    [InlineData("email.domain = card.country", 14, "email.domain can be compared with a text only")]
    public void What_is_wrong_is_told_with_its_place(string condition, int position, string message)
    {
        Assert.Null(RuleExpression.Parse(condition, Hash, out var error));
        Assert.Contains(message, error!.Message, StringComparison.Ordinal);
        Assert.Equal(position, error.Position);
    }

    [Theory]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public void Parentheses_are_nested_up_to_sixteen_deep(int depth, bool fits) =>
        Assert.Equal(fits, RuleExpression.Parse(new string('(', depth) + "true" + new string(')', depth), Hash, out _) is not null);

    [Theory]
    [InlineData(199, true)]
    [InlineData(201, false)]
    public void A_condition_has_up_to_400_words_and_signs(int names, bool fits) =>
        Assert.Equal(fits, RuleExpression.Parse(string.Join(" or ", Enumerable.Repeat("true", names)), Hash, out _) is not null);

    [Fact]
    public void Four_hundred_negations_do_no_harm() => Assert.NotNull(RuleExpression.Parse(string.Concat(Enumerable.Repeat("not ", 399)) + "true", Hash, out _));

    [Fact]
    public void A_longer_text_is_not_read() => Assert.Null(RuleExpression.Parse("currency = '" + new string('x', 2_000) + "'", Hash, out _));

    // condition, whether the card's history at the merchant matters for a payment of 12345 cents of a euro
    [Theory]
    [InlineData("first_purchase and amount > 12344", true)]
    [InlineData("first_purchase and amount > 12345", false)]
    [InlineData("not first_purchase", true)]
    [InlineData("amount > 1", false)]
    public void The_history_is_asked_for_where_it_matters(string condition, bool matters) =>
        Assert.Equal(matters, RuleExpression.Parse(condition, Hash, out _)!.DependsOnFirstPurchase(Facts with { FirstPurchase = null }));
}
