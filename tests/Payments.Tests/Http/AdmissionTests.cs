using Microsoft.Extensions.Options;
using Payments.Platform.Http;
using Xunit;

namespace Payments.Tests.Http;

public class AdmissionTests
{
    [Fact]
    public void What_is_beyond_the_limit_is_refused_until_somebody_leaves()
    {
        var admission = Of(2);

        Assert.True(admission.TryEnter());
        Assert.True(admission.TryEnter());
        Assert.False(admission.TryEnter());
        admission.Leave();

        Assert.True(admission.TryEnter());
        Assert.False(admission.TryEnter());
    }

    [Fact]
    public void A_request_that_waits_for_a_provider_keeps_nobody_out_and_is_not_refused_when_it_comes_back()
    {
        var admission = Of(1);
        Assert.True(admission.TryEnter());

        var away = admission.Away();
        Assert.True(admission.TryEnter());
        away.Dispose();

        // Two are under way now, which nobody may add to.
        admission.Leave();
        Assert.False(admission.TryEnter());
        admission.Leave();
        Assert.True(admission.TryEnter());
    }

    [Fact]
    public void What_waits_for_providers_is_bounded_too()
    {
        var admission = Of(1, accepted: 3);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(admission.TryEnter());
            admission.Away();
        }

        Assert.False(admission.TryEnter());
        using (admission.Away())
        {
            // Whoever comes back and leaves makes room for one.
        }

        admission.Leave();
        Assert.True(admission.TryEnter());
        Assert.False(admission.TryEnter());
    }

    private static Admission Of(int most, int accepted = 100) => new(Options.Create(new AdmissionOptions { MostUnderWay = most, MostAccepted = accepted }));
}
