using Payments.Core;
using Payments.Vault.Cards;
using Xunit;

namespace Payments.Tests.Vault;

public sealed class CardCheckTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 31, 23, 0, 0, TimeSpan.Zero);

    // Published test numbers of both providers, brand, length of the security code.
    [Theory]
    [InlineData("4242424242424242", "visa", 3)]
    [InlineData("4111111111111111", "visa", 3)]
    [InlineData("4222222222222", "visa", 3)]
    [InlineData("5555555555554444", "mastercard", 3)]
    [InlineData("2223003122003222", "mastercard", 3)]
    [InlineData("5105105105105100", "mastercard", 3)]
    [InlineData("378282246310005", "amex", 4)]
    [InlineData("341111111111111", "amex", 4)]
    [InlineData("6011111111111117", "discover", 3)]
    [InlineData("6011981111111113", "discover", 3)]
    [InlineData("3056930009020004", "diners", 3)]
    [InlineData("36227206271667", "diners", 3)]
    [InlineData("3566002020360505", "jcb", 3)]
    [InlineData("6200000000000005", "unionpay", 3)]
    public void Published_test_cards_are_accepted_with_their_brand(string number, string brand, int cvcLength)
    {
        Assert.Equal((brand, cvcLength), (CardBrands.Of(number)!.Name, CardBrands.Of(number)!.CvcLength));
        Assert.Null(CardCheck.Refuse(new CardRequest(number, 12, 2030, new string('1', cvcLength)), Now));
    }

    // number, month, year, cvc, name, code, param
    [Theory]
    [InlineData("4242424242424241", 12, 2030, "123", null, "invalid_card_number", "card.number")]
    [InlineData("4242 4242 4242 4242", 12, 2030, "123", null, "invalid_card_number", "card.number")]
    [InlineData("424242424242424２", 12, 2030, "123", null, "invalid_card_number", "card.number")]
    [InlineData("42424242424", 12, 2030, "123", null, "invalid_card_number", "card.number")]
    [InlineData("", 12, 2030, "123", null, "invalid_card_number", "card.number")]
    [InlineData("42424242424242424242", 12, 2030, "123", null, "invalid_card_number", "card.number")]
    [InlineData("42424242424242426", 12, 2030, "123", null, "invalid_card_number", "card.number")]
    [InlineData("0000000000000000", 12, 2030, "123", null, "card_brand_not_supported", "card.number")]
    [InlineData("9999999999999995", 12, 2030, "123", null, "card_brand_not_supported", "card.number")]
    [InlineData("4242424242424242", 0, 2030, "123", null, "invalid_expiry_month", "card.exp_month")]
    [InlineData("4242424242424242", 13, 2030, "123", null, "invalid_expiry_month", "card.exp_month")]
    [InlineData("4242424242424242", 12, 30, "123", null, "invalid_expiry_year", "card.exp_year")]
    [InlineData("4242424242424242", 12, -1, "123", null, "invalid_expiry_year", "card.exp_year")]
    [InlineData("4242424242424242", 12, 2047, "123", null, "invalid_expiry_year", "card.exp_year")]
    [InlineData("4242424242424242", 2, 2026, "123", null, "card_expired", "card.exp_year")]
    [InlineData("4242424242424242", 12, 2025, "123", null, "card_expired", "card.exp_year")]
    [InlineData("4242424242424242", 12, 2030, "12", null, "invalid_cvc", "card.cvc")]
    [InlineData("4242424242424242", 12, 2030, "1234", null, "invalid_cvc", "card.cvc")]
    [InlineData("4242424242424242", 12, 2030, "12x", null, "invalid_cvc", "card.cvc")]
    [InlineData("378282246310005", 12, 2030, "123", null, "invalid_cvc", "card.cvc")]
    [InlineData("4242424242424242", 12, 2030, "123", "", "invalid_card_name", "card.name")]
    [InlineData("4242424242424242", 12, 2030, "123", "A\nB", "invalid_card_name", "card.name")]
    [InlineData("4242424242424242", 12, 2030, "123", "4242424242424242", "invalid_card_name", "card.name")]
    public void Every_bad_card_has_its_refusal_which_repeats_nothing_of_it(string number, int month, int year, string cvc, string? name, string code, string param)
    {
        var problem = CardCheck.Refuse(new CardRequest(number, month, year, cvc, name), Now)!;
        Assert.Equal((400, code, param), (problem.Status, problem.Code, problem.Param));
        Assert.DoesNotContain(number.Length > 4 ? number : "424242", problem.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_may_have_a_hundred_characters() =>
        Assert.Equal([null, "invalid_card_name"], new[] { 100, 101 }.Select(n => CardCheck.Refuse(new CardRequest("4242424242424242", 12, 2030, "123", new string('n', n)), Now)?.Code));

    [Fact]
    public void A_card_is_good_until_its_last_month_is_over_everywhere()
    {
        var card = new CardRequest("4242424242424242", 3, 2026, "123");
        Assert.Null(CardCheck.Refuse(card, Now));
        Assert.Null(CardCheck.Refuse(card, new DateTimeOffset(2026, 4, 1, 11, 59, 59, TimeSpan.Zero)));
        Assert.Equal("card_expired", CardCheck.Refuse(card, new DateTimeOffset(2026, 4, 1, 12, 0, 0, TimeSpan.Zero))?.Code);
    }

    [Fact]
    public void No_range_of_a_brand_meets_another()
    {
        var ranges = CardBrands.All.OrderBy(r => r.From).ToList();
        Assert.All(ranges, r => Assert.True(r.From <= r.To));
        Assert.All(ranges.Zip(ranges.Skip(1)), pair => Assert.True(pair.First.To < pair.Second.From, $"{pair.First} meets {pair.Second}"));
    }

    [Fact]
    public void The_check_digit_finds_every_single_wrong_digit_and_nearly_every_swap()
    {
        const string number = "4242424242424242";
        for (var i = 0; i < number.Length; i++)
        {
            for (var digit = '0'; digit <= '9'; digit++)
            {
                var changed = number[..i] + digit + number[(i + 1)..];
                Assert.Equal(changed == number, CardCheck.PassesLuhn(changed));
            }
        }
    }

    [Fact]
    public void A_fingerprint_is_the_same_for_the_same_card_and_differs_by_card_mode_and_key()
    {
        var (one, other) = (new CardFingerprint(new byte[32]), new CardFingerprint([.. Enumerable.Repeat((byte)1, 32)]));
        var print = one.Of(Mode.Test, "4242424242424242");
        Assert.Matches("^[0-9a-f]{64}$", print);
        Assert.Equal(print, one.Of(Mode.Test, "4242424242424242"));
        Assert.Equal(4, new HashSet<string> { print, one.Of(Mode.Live, "4242424242424242"), one.Of(Mode.Test, "4111111111111111"), other.Of(Mode.Test, "4242424242424242") }.Count);
    }

    [Fact]
    public void A_card_prints_as_nothing() =>
        Assert.Equal(["CardRequest", "CardData"], new object[] { new CardRequest("4242424242424242", 12, 2030, "123"), CardCheck.ToData(new CardRequest("4242424242424242", 12, 2030, "123")) }.Select(c => c.ToString()));
}
