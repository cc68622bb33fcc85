using Payments.Core.Seams;
using Payments.Platform.Http;
using Xunit;

namespace Payments.Tests.Http;

public class RiskContextTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    // What is told, and the member that is refused; null: accepted.
    private static readonly (RiskContextBody Body, string? Param)[] Table =
    [
        (new(), null),
        (new(Ip: "203.0.113.7"), null),
        (new(Ip: "2001:DB8:0:0::7"), null),
        (new(Ip: "203.0.113.07"), "risk_context.ip"),
        (new(Ip: "3405803783"), "risk_context.ip"),
        (new(Ip: "203.0.113"), "risk_context.ip"),
        (new(Ip: "fe80::1%eth0"), "risk_context.ip"),
        (new(Ip: "[::1]"), "risk_context.ip"),
        (new(Ip: "::1]:80"), "risk_context.ip"),
        (new(Ip: ""), "risk_context.ip"),
        (new(Ip: new string('1', 46)), "risk_context.ip"),
        (new(UserAgent: new string('u', 500)), null),
        (new(UserAgent: new string('u', 501)), "risk_context.user_agent"),
        (new(UserAgent: "a\nb"), "risk_context.user_agent"),
        (new(DeviceId: ""), "risk_context.device_id"),
        (new(DeviceId: new string('d', 201)), "risk_context.device_id"),
        (new(Email: "ada@example.com"), null),
        (new(Email: "ada"), "risk_context.email"),
        (new(Email: new string('a', 64) + "@" + new string('b', 190) + ".com"), "risk_context.email"),
        (new(BillingAddress: new(Country: "DE")), null),
        (new(BillingAddress: new(Country: "de")), "risk_context.billing_address.country"),
        (new(BillingAddress: new(Country: "XX")), "risk_context.billing_address.country"),
        (new(ShippingAddress: new(Country: "UK")), "risk_context.shipping_address.country"),
        (new(ShippingAddress: new(Line1: new string('l', 201))), "risk_context.shipping_address.line1"),
        (new(ShippingAddress: new(PostalCode: new string('9', 21))), "risk_context.shipping_address.postal_code"),
        (new(ShippingAddress: new(City: "")), "risk_context.shipping_address.city"),
        (new(SessionSeconds: 0), null),
        (new(SessionSeconds: 2_592_000), null),
        (new(SessionSeconds: -1), "risk_context.session_seconds"),
        (new(SessionSeconds: 2_592_001), "risk_context.session_seconds"),
        (new(AccountCreatedAt: Now.AddHours(23)), null),
        (new(AccountCreatedAt: Now.AddHours(25)), "risk_context.account_created_at"),
        (new(AccountCreatedAt: new DateTimeOffset(1989, 12, 31, 0, 0, 0, TimeSpan.Zero)), "risk_context.account_created_at"),
    ];

    public static TheoryData<int> Rows() => new(Enumerable.Range(0, Table.Length));

    [Theory]
    [MemberData(nameof(Rows))]
    public void What_is_no_circumstance_is_refused_by_its_path(int row)
    {
        var (body, param) = Table[row];

        var problem = RiskContexts.Check(body, Now, out _);

        Assert.Equal(param, problem?.Param);
        Assert.Equal(param is null ? null : "invalid_value", problem?.Code);
    }

    [Theory]
    [InlineData("2001:DB8:0:0::7", "2001:db8::7")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("203.0.113.7", "203.0.113.7")]
    public void Addresses_are_compared_in_one_form(string given, string canonical)
    {
        Assert.Null(RiskContexts.Check(new RiskContextBody(Ip: given, Email: "Ada@Example.COM"), Now, out var told));
        Assert.Equal((canonical, "ada@example.com"), (told!.Ip, told.Email));
    }

    [Fact]
    public void A_context_that_says_nothing_is_none()
    {
        Assert.Null(RiskContexts.Check(new RiskContextBody(BillingAddress: new()), Now, out var told));
        Assert.Null(told);
    }

    [Fact]
    public void The_payments_own_values_win_over_the_tokens()
    {
        var token = new RiskContext(Ip: "203.0.113.7", UserAgent: "browser", BillingAddress: new(Country: "DE"));
        var payment = new RiskContext(Ip: "203.0.113.8", Email: "ada@example.com");

        Assert.Equal(new RiskContext("203.0.113.8", "browser", null, "ada@example.com", new(Country: "DE")), RiskContexts.Merge(payment, token));
        Assert.Equal((token, payment, null), (RiskContexts.Merge(null, token), RiskContexts.Merge(payment, null), RiskContexts.Merge(null, null)));
    }

    [Fact]
    public void Nothing_of_it_is_printed()
    {
        var body = new RiskContextBody(Ip: "203.0.113.7", Email: "ada@example.com", BillingAddress: new(Line1: "1 Main St"));

        Assert.DoesNotContain("203", $"{body} {body.BillingAddress}", StringComparison.Ordinal);
        Assert.DoesNotContain("Main", $"{body} {body.BillingAddress}", StringComparison.Ordinal);
    }
}
