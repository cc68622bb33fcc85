using Payments.Core;
using Payments.Webhooks.Endpoints;
using Xunit;

namespace Payments.Tests.Webhooks;

public sealed class EndpointUrlTests
{
    [Theory]
    [InlineData("https://shop.example/hooks")]
    [InlineData("https://shop.example:8443/hooks?a=b")]
    [InlineData("https://1.1.1.1/hooks")]
    [InlineData("https://[2606:4700:4700::1111]/hooks")]
    [InlineData("https://bücher.example/hooks")]
    public void A_public_https_url_is_accepted_in_both_modes(string url)
    {
        Assert.True(EndpointUrl.Check(url, Mode.Test, allowLoopback: false).Succeeded(out _, out _));
        Assert.True(EndpointUrl.Check(url, Mode.Live, allowLoopback: false).Succeeded(out _, out _));
    }

    [Fact]
    public void Plain_http_is_for_test_mode_only()
    {
        Assert.True(EndpointUrl.Check("http://shop.example/", Mode.Test, allowLoopback: false).Succeeded(out _, out _));
        Assert.False(EndpointUrl.Check("http://shop.example/", Mode.Live, allowLoopback: false).Succeeded(out _, out var problem));
        Assert.Equal(("url", 400), (problem.Param, problem.Status));
    }

    [Theory]
    [InlineData("")]
    [InlineData("shop.example/hooks")]
    [InlineData("/hooks")]
    [InlineData("ftp://shop.example/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("javascript:alert(1)")]
    [InlineData("https://")]
    [InlineData("https://user:secret@shop.example/")]
    [InlineData("https://shop.example/#part")]
    [InlineData("https://shop.example/\nhooks")]
    [InlineData("https://shop.example/a b")]
    [InlineData("https://shop.example:0/")]
    [InlineData("https://shop.example:70000/")]
    [InlineData("https://localhost/")]
    [InlineData("https://localhost./")]
    [InlineData("https://shop.localhost/")]
    [InlineData("https://intranet/")]
    [InlineData("https://metadata.google.internal/")]
    [InlineData("https://printer.local/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://127.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://10.0.0.1/")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[::ffff:10.0.0.1]/")]
    [InlineData("https://[fd00::1]/")]
    public void A_url_that_is_malformed_or_not_public_is_refused(string url)
    {
        Assert.False(EndpointUrl.Check(url, Mode.Test, allowLoopback: false).Succeeded(out _, out var problem));
        Assert.Equal(("url", "invalid_value", 400), (problem.Param, problem.Code, problem.Status));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8089/hooks", true)]
    [InlineData("http://localhost:8089/hooks", true)]
    [InlineData("http://[::1]:8089/hooks", true)]
    [InlineData("http://10.0.0.1/hooks", false)]
    [InlineData("http://intranet/hooks", false)]
    public void The_development_exception_is_for_loopback_only(string url, bool accepted) =>
        Assert.Equal(accepted, EndpointUrl.Check(url, Mode.Live, allowLoopback: true).Succeeded(out _, out _));

    [Fact]
    public void A_url_may_have_2048_characters_and_no_more()
    {
        const string start = "https://shop.example/";
        Assert.True(EndpointUrl.Check(start + new string('a', EndpointUrl.Longest - start.Length), Mode.Live, allowLoopback: false).Succeeded(out _, out _));
        Assert.False(EndpointUrl.Check(start + new string('a', EndpointUrl.Longest - start.Length + 1), Mode.Live, allowLoopback: false).Succeeded(out _, out _));
        Assert.False(EndpointUrl.Check(start + new string('ü', EndpointUrl.Longest / 3), Mode.Live, allowLoopback: false).Succeeded(out _, out _));
    }
}
