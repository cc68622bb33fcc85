using System.Text;
using Payments.Webhooks.Deliveries;
using Xunit;

namespace Payments.Tests.Webhooks;

public sealed class ResponseExcerptTests
{
    [Theory]
    [InlineData("ok", "ok")]
    [InlineData("a\0b\u001b[31mc\rd", "a b [31mc d")]
    [InlineData("line\nline\tend", "line\nline\tend")]
    [InlineData("card 4242424242424242!", "card [number]!")]
    [InlineData("card 4242 4242 4242 4242", "card [number]")]
    [InlineData("card 3782-822463-10005.", "card [number].")]
    [InlineData("order 12345678901", "order 12345678901")]
    public void What_is_kept_is_safe_to_store_and_to_show(string answer, string kept) => Assert.Equal(kept, ResponseExcerpt.Of(Encoding.UTF8.GetBytes(answer)));

    [Fact]
    public void At_most_the_first_KiB_is_kept()
    {
        Assert.Equal(1024, ResponseExcerpt.Of(new byte[5000]).Length);
        Assert.True(ResponseExcerpt.Of(Enumerable.Repeat((byte)0xFF, 5000).ToArray()).Length <= 1024);
    }
}
