using Payments.Core;
using Payments.Core.Seams;
using Payments.Vault.BankAccounts;
using Payments.Vault.Cards;
using Xunit;

namespace Payments.Tests.Vault;

public sealed class BankAccountCheckTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 31, 12, 0, 0, TimeSpan.Zero);

    // Published routing numbers of banks, and the test bank's; then a wrong check digit, too few, too many, no digits, a district that there is none of.
    [Theory]
    [InlineData("110000000", true)]
    [InlineData("021000021", true)]
    [InlineData("011401533", true)]
    [InlineData("322271627", true)]
    [InlineData("021000022", false)]
    [InlineData("120000021", false)]
    [InlineData("11000000", false)]
    [InlineData("1100000000", false)]
    [InlineData("11000000x", false)]
    [InlineData("１10000000", false)]
    [InlineData("000000000", false)]
    [InlineData("990000003", false)]
    [InlineData("", false)]
    public void A_routing_number_has_a_check_digit_and_a_district(string number, bool isOne) => Assert.Equal(isOne, BankAccountCheck.IsRoutingNumber(number));

    [Theory]
    [InlineData("110000001", "000123456789", "Ada", "invalid_routing_number", "bank_account.routing_number")]
    [InlineData("110000000", "123", "Ada", "invalid_account_number", "bank_account.account_number")]
    [InlineData("110000000", "123456789012345678", "Ada", "invalid_account_number", "bank_account.account_number")]
    [InlineData("110000000", "0001 2345", "Ada", "invalid_account_number", "bank_account.account_number")]
    [InlineData("110000000", "0000000", "Ada", "invalid_account_number", "bank_account.account_number")]
    [InlineData("110000000", "000123456789", "", "invalid_holder_name", "bank_account.holder_name")]
    [InlineData("110000000", "000123456789", " ", "invalid_holder_name", "bank_account.holder_name")]
    [InlineData("110000000", "000123456789", "A\nB", "invalid_holder_name", "bank_account.holder_name")]
    [InlineData("110000000", "000123456789", "Ada 000123456789", "invalid_holder_name", "bank_account.holder_name")]
    public void Every_bad_account_has_its_refusal_which_repeats_nothing_of_it(string routing, string account, string holder, string code, string param)
    {
        var problem = BankAccountCheck.Refuse(new BankAccountRequest(routing, account, BankAccountType.Checking, holder, BankHolderType.Individual))!;
        Assert.Equal((400, code, param), (problem.Status, problem.Code, problem.Param));
        Assert.DoesNotContain(account, problem.Detail, StringComparison.Ordinal);
        Assert.Null(BankAccountCheck.Refuse(new BankAccountRequest("110000000", "000123456789", BankAccountType.Savings, "Ada Lovelace", BankHolderType.Company)));
    }

    // Minutes from now, address, browser, what is wrong.
    [Theory]
    [InlineData(0, "203.0.113.7", "Mozilla/5.0", null)]
    [InlineData(-60 * 24 * 365, "2001:DB8::1", "Mozilla/5.0", null)]
    [InlineData(60, "203.0.113.7", "Mozilla/5.0", "mandate.accepted_at")]
    [InlineData(-60 * 24 * 365 * 3, "203.0.113.7", "Mozilla/5.0", "mandate.accepted_at")]
    [InlineData(0, "203.0.113.07", "Mozilla/5.0", "mandate.ip")]
    [InlineData(0, "", "Mozilla/5.0", "mandate.ip")]
    [InlineData(0, "203.0.113.7", "", "mandate.user_agent")]
    [InlineData(0, "203.0.113.7", "Mozilla\n5.0", "mandate.user_agent")]
    public void A_mandate_says_when_from_where_and_with_what(int minutes, string ip, string userAgent, string? wrong)
    {
        var problem = BankAccountCheck.Refuse(new MandateRequest(Now.AddMinutes(minutes), ip, userAgent), Now, out var mandate);
        Assert.Equal(wrong, problem?.Param);
        Assert.Equal(wrong is null, mandate is not null);
    }

    [Fact]
    public void What_holds_account_data_prints_as_nothing()
    {
        var account = new BankAccountRequest("110000000", "000123456789", BankAccountType.Checking, "Ada Lovelace", BankHolderType.Individual);
        Assert.Equal("BankAccountRequest", account.ToString());
        Assert.Equal("BankAccountData", BankAccountCheck.ToData(account).ToString());
        Assert.Equal("MandateRequest", new MandateRequest(Now, "203.0.113.7", "Mozilla/5.0").ToString());
        Assert.Equal("Mandate", new Mandate(Now, "203.0.113.7", "Mozilla/5.0").ToString());
    }

    [Fact]
    public void A_fingerprint_is_of_account_bank_mode_and_key_and_of_no_card()
    {
        var (one, other) = (new CardFingerprint(new byte[32]), new CardFingerprint([.. Enumerable.Repeat((byte)1, 32)]));
        string[] prints =
        [
            one.OfAccount(Mode.Test, "110000000", "000123456789"), one.OfAccount(Mode.Live, "110000000", "000123456789"), one.OfAccount(Mode.Test, "021000021", "000123456789"),
            one.OfAccount(Mode.Test, "110000000", "000123456780"), other.OfAccount(Mode.Test, "110000000", "000123456789"), one.Of(Mode.Test, "110000000000123456789"),
        ];
        Assert.Equal(prints.Length, prints.Distinct().Count());
        Assert.Equal(prints[0], one.OfAccount(Mode.Test, "110000000", "000123456789"));
    }
}
