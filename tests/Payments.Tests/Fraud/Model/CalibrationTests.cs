using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Tests.Fraud.Model;

public sealed class CalibrationTests
{
    [Fact]
    public void Isotonic_steps_are_those_computed_by_hand()
    {
        // Sorted by score the labels are 0 1 0 1 1: the second and third violate the order and become one step of a half.
        var points = CalibrationFit.Isotonic([3, 1, 2, 4, 5], [false, false, true, true, true], [1, 1, 1, 1, 1]).Points;
        Assert.Equal([(1.0, 0.25, 1.0), (2.5, 0.5, 2.0), (4.5, 2.5 / 3, 2.0)], points.Select(p => (p.Raw, p.Probability, p.Rows)));
    }

    [Fact]
    public void Equal_scores_are_one_step_and_weights_count()
    {
        var points = CalibrationFit.Isotonic([1, 1, 2], [true, false, true], [1, 3, 1]).Points;
        Assert.Equal([(1.0, 0.25, 4.0), (2.0, 0.75, 1.0)], points.Select(p => (p.Raw, p.Probability, p.Rows)));
    }

    [Fact]
    public void Steps_always_rise_and_measure_what_they_were_fitted_to()
    {
        var random = new Random(12);
        var raw = Enumerable.Range(0, 20_000).Select(_ => random.NextDouble() * 8 - 6).ToArray();
        var labels = Array.ConvertAll(raw, r => random.NextDouble() < 1 / (1 + Math.Exp(-(0.7 * r - 0.5))));
        var weights = new float[raw.Length];
        Array.Fill(weights, 1f);

        foreach (var calibration in new Calibration[] { CalibrationFit.Fit(raw, labels, weights), CalibrationFit.Platt(raw, labels, weights) })
        {
            var before = -1.0;
            for (var at = -8.0; at < 4; at += 0.01)
            {
                var (probability, confidence) = calibration.Of(at);
                Assert.True(probability >= before);
                Assert.InRange(probability, 1e-9, 1 - 1e-9);
                Assert.InRange(confidence, 0, 1);
                before = probability;
            }

            for (var at = -5.0; at < 2; at += 0.5)
            {
                Assert.Equal(1 / (1 + Math.Exp(-(0.7 * at - 0.5))), calibration.Of(at).Probability, 0.06);
            }
        }
    }

    [Fact]
    public void Platt_finds_the_line_that_made_the_labels()
    {
        var random = new Random(13);
        var raw = Enumerable.Range(0, 50_000).Select(_ => random.NextDouble() * 6 - 3).ToArray();
        var labels = Array.ConvertAll(raw, r => random.NextDouble() < 1 / (1 + Math.Exp(-(1.5 * r + 0.4))));
        var weights = new float[raw.Length];
        Array.Fill(weights, 1f);
        var line = CalibrationFit.Platt(raw, labels, weights);
        Assert.Equal(1.5, line.Slope, 0.05);
        Assert.Equal(0.4, line.Intercept, 0.05);
    }

    [Fact]
    public void Few_frauds_are_calibrated_by_a_line()
    {
        Assert.IsType<PlattCalibration>(CalibrationFit.Fit([1, 2, 3], [false, true, true], [1, 1, 1]));
    }

    [Fact]
    public void Between_points_the_probability_is_on_the_straight_line_and_beyond_them_constant()
    {
        var calibration = new IsotonicCalibration([new(0, 0.1, 100), new(2, 0.5, 300)]);
        Assert.Equal(0.1, calibration.Of(-50).Probability);
        Assert.Equal(0.1, calibration.Of(0).Probability, 1e-12);
        Assert.Equal(0.2, calibration.Of(0.5).Probability, 1e-12);
        Assert.Equal(0.5, calibration.Of(2).Probability);
        Assert.Equal(0.5, calibration.Of(50).Probability);
        Assert.True(new IsotonicCalibration([new(0, 0.5, 10)]).Of(0).Confidence < new IsotonicCalibration([new(0, 0.5, 1_000)]).Of(0).Confidence);
    }
}
