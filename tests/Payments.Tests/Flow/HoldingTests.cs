using Payments.Connectors;
using Payments.Core;
using Xunit;
using static Payments.Core.OrphanReason;

namespace Payments.Tests.Flow;

public sealed class HoldingTests
{
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);
    private readonly PaymentSamples samples = new();

    private static Hold Held(double hours, bool cancelled = false, double? limitDays = 10, double windowDays = 7) =>
        new(TimeSpan.FromHours(hours), TimeSpan.FromDays(windowDays), limitDays is { } days ? TimeSpan.FromDays(days) : null, cancelled);

    // hours held, order cancelled, provider's limit and merchant's window in days, why it is released
    [Theory]
    [InlineData(3.9, true, 10d, 7d, null)]
    [InlineData(4, true, 10d, 7d, OrderCancelled)]
    [InlineData(4, false, 10d, 7d, null)]
    [InlineData(167.9, false, 10d, 7d, null)]
    [InlineData(168, false, 10d, 7d, CaptureWindow)]
    [InlineData(168, false, null, 7d, CaptureWindow)]
    [InlineData(119, false, 5d, 7d, null)]
    [InlineData(120, false, 5d, 7d, ProviderLimit)]
    [InlineData(168, false, 5d, 7d, ProviderLimit)]
    [InlineData(24, false, 10d, 1d, CaptureWindow)]
    public void The_smaller_of_both_limits_decides_and_never_the_first_four_hours(double hours, bool cancelled, double? limit, double window, OrphanReason? reason) =>
        Assert.Equal(reason, Holding.Orphaned(samples.Authorized(), Held(hours, cancelled, limit, window)));

    [Fact]
    public void What_is_captured_voided_or_on_the_way_to_either_is_no_orphan()
    {
        var authorized = samples.Authorized();
        var late = new Hold(TimeSpan.FromDays(30), Week, Week, true);
        Assert.Equal(OrderCancelled, Holding.Orphaned(authorized, late));
        Assert.Null(Holding.Orphaned(samples.Opened(), late));
        Assert.Null(Holding.Orphaned(samples.Captured(), late));
        Assert.Null(Holding.Orphaned(samples.Capture(authorized), late));
        Assert.Null(Holding.Orphaned(samples.Void(authorized), late));
        Assert.Equal(OrderCancelled, Holding.Orphaned(samples.Capture(authorized, 4_000, final: false), late));
    }

    [Fact]
    public void A_void_that_the_merchant_asked_for_and_that_failed_is_made_up_for()
    {
        var failed = samples.Tell(samples.Void(samples.Authorized()), OperationKind.Void, FactOutcome.Declined);
        Assert.Null(Holding.Orphaned(failed, Held(1)));
        Assert.Equal(VoidAsked, Holding.Orphaned(failed, Held(5)));
        var sweeps = samples.Tell(Opening.Void(samples.Authorized(), PaymentSamples.Everything, samples.New(), OperationOrigin.Expiry).Payment!, OperationKind.Void, FactOutcome.Declined);
        Assert.Null(Holding.Orphaned(sweeps, Held(5)));
    }

    [Theory]
    [InlineData(OrderCancelled, PaymentStatus.Voided)]
    [InlineData(VoidAsked, PaymentStatus.Voided)]
    [InlineData(CaptureWindow, PaymentStatus.Expired)]
    [InlineData(ProviderLimit, PaymentStatus.Expired)]
    public void What_the_merchant_wanted_ends_as_voided_and_what_ran_out_as_expired(OrphanReason reason, PaymentStatus status)
    {
        var voiding = Opening.Void(samples.Authorized(), PaymentSamples.Everything, samples.New(), Holding.OriginOf(reason)).Payment!;
        Assert.Equal(status, samples.Tell(voiding, OperationKind.Void, FactOutcome.Succeeded).Status);
    }

    [Fact]
    public async Task The_document_repeats_the_table_of_limits()
    {
        var document = await File.ReadAllLinesAsync(Path.Combine(Architecture.Repository.Root, "docs", "holds.md"), TestContext.Current.CancellationToken);
        var wanted = CaptureLimits.Rows.Select(r => $"| {Words.Of(r.Provider)} | {r.Brand} | {r.CustomerPresent.TotalDays:0} | {r.MerchantInitiated.TotalDays:0} |").ToList();
        Assert.Equal(wanted, document.Where(l => l.StartsWith("| stripe |", StringComparison.Ordinal) || l.StartsWith("| adyen |", StringComparison.Ordinal)));
        Assert.Contains(document, l => l.Contains($"{CaptureLimits.Otherwise.TotalDays:0} days for any other brand", StringComparison.Ordinal));
        Assert.Equal(TimeSpan.FromDays(5), CaptureLimits.Of(Provider.Adyen, "visa", customerPresent: false));
        Assert.Equal(CaptureLimits.Otherwise, CaptureLimits.Of(Provider.Adyen, "jcb", customerPresent: true));
        Assert.Equal((TimeSpan.FromDays(7), TimeSpan.FromDays(5)), (CaptureLimits.Shortest(customerPresent: true), CaptureLimits.Shortest(customerPresent: false)));
    }
}
