using System.Text;
using Payments.Webhooks.Deliveries;
using Xunit;

namespace Payments.Tests.Webhooks;

public sealed class SignatureTests
{
    // Of the Standard Webhooks specification.
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const long Timestamp = 1614265330;
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"test": 2432232314}""");

    [Fact]
    public void The_vector_of_the_specification_is_met() =>
        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", Signature.Header(Id, Timestamp, Body, [Secret]));

    [Fact]
    public void While_a_secret_is_rotated_both_sign()
    {
        var other = Signature.NewSecret();
        var header = Signature.Header(Id, Timestamp, Body, [other, Secret]);
        Assert.Equal([Signature.Header(Id, Timestamp, Body, [other]), Signature.Header(Id, Timestamp, Body, [Secret])], header.Split(' '));
    }

    [Fact]
    public void Id_time_and_body_are_all_signed()
    {
        var signed = Signature.Header(Id, Timestamp, Body, [Secret]);
        Assert.NotEqual(signed, Signature.Header(Id + "x", Timestamp, Body, [Secret]));
        Assert.NotEqual(signed, Signature.Header(Id, Timestamp + 1, Body, [Secret]));
        Assert.NotEqual(signed, Signature.Header(Id, Timestamp, Body.AsSpan(0, Body.Length - 1), [Secret]));
    }

    [Fact]
    public void A_new_secret_has_the_prefix_and_32_random_bytes()
    {
        var secret = Signature.NewSecret();
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        Assert.Equal(32, Convert.FromBase64String(secret["whsec_".Length..]).Length);
        Assert.NotEqual(secret, Signature.NewSecret());
    }
}
