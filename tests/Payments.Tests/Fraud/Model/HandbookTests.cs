using Payments.Fraud.Features;
using Payments.Fraud.Handbook;

namespace Payments.Tests.Fraud.Model;

public sealed class HandbookTests
{
    [Fact]
    public void Measures_of_ranking_are_those_computed_by_hand()
    {
        // From the highest score: fraud, good, fraud, then a fraud and a good one with one score, then good.
        Ranked[] ranked = [.. new[] { (0.9, true), (0.8, false), (0.7, true), (0.5, true), (0.5, false), (0.1, false) }.Select(r => new Ranked(0, 1, r.Item1, r.Item2))];
        Assert.Equal((3 + 2 + 1.5) / 9, Ranking.AreaUnderRoc(ranked), 1e-12);
        Assert.Equal((1.0 / 1 + 2.0 / 3 + 3.0 / 5) / 3, Ranking.AveragePrecision(ranked), 1e-12);
    }

    [Fact]
    public void A_card_counts_once_a_day_with_its_highest_score_and_no_more_after_it_was_found()
    {
        Ranked[] ranked =
        [
            new(1, 10, 0.2, true), new(1, 10, 0.9, false), // Found: its highest score is the best, and it was misused that day.
            new(1, 11, 0.8, false), new(1, 11, 0.1, false),
            new(1, 12, 0.7, true), // Third of the day.
            new(2, 10, 1.0, true), // Blocked by now.
            new(2, 12, 0.6, true), new(2, 13, 0.5, true), new(2, 14, 0.4, true),
        ];
        Assert.Equal((1 / 2.0 + 2 / 2.0) / 2, Ranking.CardPrecision(ranked, 2), 1e-12);
    }

    // The test begins on day 64, so training is on days 50 to 56. When a card was misused, when it pays in the test, whether that counts.
    [Theory]
    [InlineData(49, 64, true)] // Before the training days: not known to this protocol.
    [InlineData(50, 64, false)]
    [InlineData(56, 64, false)]
    [InlineData(57, 64, true)] // Not yet known on the first day of the test ...
    [InlineData(57, 65, false)] // ... but on the second.
    [InlineData(62, 70, false)]
    [InlineData(63, 70, true)]
    [InlineData(64, 70, true)]
    [InlineData(50, 63, false)] // Not a day of the test.
    [InlineData(50, 71, false)]
    [InlineData(40, 63, false)]
    [InlineData(40, 71, false)]
    public void Cards_whose_misuse_is_known_are_no_part_of_the_test(int misused, int paid, bool counts)
    {
        LabelledPayment[] stream = [new(0, new(5, 1, misused * FeatureState.Day, 100), true), new(1, new(5, 1, paid * FeatureState.Day + 86_399, 100), false)];
        Assert.Equal(counts, new ProtocolB(64).Test(stream).Contains(1));
    }

    [Fact]
    public void A_file_is_read_to_the_cent_and_a_broken_line_is_named()
    {
        var read = PaymentCsv.Read(new StringReader(PaymentCsv.Header + "\n7,31,596,3156,57.16,0\n8,31,1,2,100000.1,1\n"), TestContext.Current.CancellationToken);
        Assert.Equal([new(7, new(596, 3156, 31, 5_716), false), new(8, new(1, 2, 31, 10_000_010), true)], read);

        foreach (var line in new[] { "", "1,2,3,4,5", "1,2,3,4,5,0,6", "1,2,3,4,5,2", "1,2,3,4,-5,0", "x,2,3,4,5,0", "1,2,3,4,1e3,0", "9,30,1,1,1,0" })
        {
            var broken = Assert.Throws<InvalidDataException>(
                () => PaymentCsv.Read(new StringReader($"{PaymentCsv.Header}\n8,31,1,2,1,1\n{line}\n"), TestContext.Current.CancellationToken));
            Assert.Contains("Line 3", broken.Message, StringComparison.Ordinal);
        }

        Assert.Throws<InvalidDataException>(() => PaymentCsv.Read(new StringReader("a,b\n"), TestContext.Current.CancellationToken));
    }
}
