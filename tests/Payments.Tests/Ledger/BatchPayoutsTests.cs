using System.Globalization;
using Payments.Core;
using Payments.Ledger.Payouts;
using Xunit;

namespace Payments.Tests.Ledger;

/// <summary>Which payouts a settlement batch is in.</summary>
public sealed class BatchPayoutsTests
{
    private static readonly DateOnly Monday = new(2026, 2, 2);
    private static readonly IdSource Ids = new(TimeProvider.System);

    // The batch is closed on day 0 at 01:00 and pays from day 1 on. A payout: its day, when it was made (day.hour), its state, and since when.
    [Theory]
    [InlineData("", "")]
    [InlineData("1 1.08 paid 2.09", "1")]
    [InlineData("1 1.08 sent 1.10", "1")]
    // Made before the batch was closed, or before its day.
    [InlineData("1 0.00 paid 2.09", "")]
    [InlineData("0 0.08 paid 1.09, 1 1.08 ready 1.08", "1")]
    [InlineData("1 0.00 paid 2.09, 2 2.08 paid 3.09", "2")]
    // Later ones hold what came later.
    [InlineData("1 1.08 paid 2.09, 2 2.08 paid 3.09", "1")]
    [InlineData("1 1.08 awaiting_approval 1.08, 2 2.08 paid 3.09", "1")]
    // What came to nothing is in the next that was made after it, and in none that was made before.
    [InlineData("1 1.08 failed 2.07, 2 2.08 paid 3.09", "1 2")]
    [InlineData("1 1.08 failed 2.09, 2 2.08 paid 3.09", "1")]
    [InlineData("1 1.08 returned 9.09, 2 2.08 paid 3.09, 3 3.08 returned 4.09, 10 10.08 sent 10.10", "1 10")]
    [InlineData("1 1.08 canceled 1.09, 2 2.08 failed 3.09, 4 4.08 paid 5.09, 5 5.08 paid 6.09", "1 2 4")]
    [InlineData("2 2.08 paid 3.09, 1 1.08 paid 2.09", "1")]
    public void It_is_in_the_first_payout_after_it_was_closed_and_due_and_in_the_first_after_each_that_came_to_nothing(string made, string holds) =>
        Assert.Equal(holds, Held(1, made));

    [Theory]
    [InlineData(1, "1")]
    [InlineData(0, "0")]
    [InlineData(-1, "0")]
    public void What_a_batch_takes_is_taken_at_once(long paid, string holds) => Assert.Equal(holds, Held(paid, "0 0.08 paid 1.09, 1 1.08 paid 2.09"));

    private static string Held(long paid, string made)
    {
        var payouts = made.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split(' ')).Select(p => new PayoutMade(Ids.New<PayoutId>(), Day(p[0]), At(p[1]), Words.Parse<PayoutState>(p[2]), At(p[3]))).ToList();
        return string.Join(' ', BatchPayouts.Of(At("0.01"), Day("1"), paid, payouts).Select(p => p.DueOn.DayNumber - Monday.DayNumber));
    }

    private static DateOnly Day(string day) => Monday.AddDays(int.Parse(day, CultureInfo.InvariantCulture));

    private static DateTimeOffset At(string time) => new(Day(time.Split('.')[0]).ToDateTime(new(int.Parse(time.Split('.')[1], CultureInfo.InvariantCulture), 0)), TimeSpan.Zero);
}
