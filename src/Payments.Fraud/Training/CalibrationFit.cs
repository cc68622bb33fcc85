using System.Collections.Immutable;
using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>Measures probabilities on payments that the trees have not seen.</summary>
public static class CalibrationFit
{
    /// <summary>With fewer frauds a step function would follow chance; a line through the log-odds does not.</summary>
    public const int FraudsForIsotonic = 100;

    public static Calibration Fit(ReadOnlySpan<double> raw, ReadOnlySpan<bool> labels, ReadOnlySpan<float> weights)
    {
        var frauds = labels.Count(true);
        return frauds >= FraudsForIsotonic && labels.Length - frauds >= FraudsForIsotonic ? Isotonic(raw, labels, weights) : Platt(raw, labels, weights);
    }

    /// <summary>Pool adjacent violators: the rising steps with the least squared error. A step's place is the mean of its raw scores.</summary>
    public static IsotonicCalibration Isotonic(ReadOnlySpan<double> raw, ReadOnlySpan<bool> labels, ReadOnlySpan<float> weights)
    {
        var order = Enumerable.Range(0, raw.Length).ToArray();
        raw.ToArray().AsSpan().Sort(order.AsSpan());
        var steps = new List<Step>();
        for (var i = 0; i < order.Length;)
        {
            // Equal scores are one step whatever their labels.
            var score = raw[order[i]];
            Step step = default;
            for (; i < order.Length && raw[order[i]] == score; i++)
            {
                var weight = weights[order[i]];
                step = step.With(new(score * weight, labels[order[i]] ? weight : 0, weight));
            }

            while (steps.Count > 0 && steps[^1].Share >= step.Share)
            {
                step = steps[^1].With(step);
                steps.RemoveAt(steps.Count - 1);
            }

            steps.Add(step);
        }

        // Certainty is never measured: at the ends half a row of the other kind is added, as far as the steps still rise.
        var points = steps.ConvertAll(s => new CalibrationPoint(s.Raw, s.Share is 0 or 1 ? (s.Frauds + 0.5) / (s.Weight + 1) : s.Share, s.Weight));
        if (points.Count > 1)
        {
            points[0] = points[0] with { Probability = Math.Min(points[0].Probability, points[1].Probability) };
            points[^1] = points[^1] with { Probability = Math.Max(points[^1].Probability, points[^2].Probability) };
        }

        return new([.. points]);
    }

    /// <summary>Newton's method on two parameters, with Platt's targets, which keep the line finite.</summary>
    public static PlattCalibration Platt(ReadOnlySpan<double> raw, ReadOnlySpan<bool> labels, ReadOnlySpan<float> weights)
    {
        double frauds = 0, all = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            frauds += labels[i] ? weights[i] : 0;
            all += weights[i];
        }

        var (high, low) = ((frauds + 1) / (frauds + 2), 1 / (all - frauds + 2));
        double slope = 1, intercept = 0;
        var loss = Loss(raw, labels, weights, slope, intercept);
        for (var iteration = 0; iteration < 100; iteration++)
        {
            double gradientA = 0, gradientB = 0, aa = 1e-9, ab = 0, bb = 1e-9;
            for (var i = 0; i < raw.Length; i++)
            {
                var probability = 1 / (1 + Math.Exp(-(slope * raw[i] + intercept)));
                var difference = weights[i] * (probability - (labels[i] ? high : low));
                var curvature = weights[i] * probability * (1 - probability);
                gradientA += difference * raw[i];
                gradientB += difference;
                aa += curvature * raw[i] * raw[i];
                ab += curvature * raw[i];
                bb += curvature;
            }

            var determinant = aa * bb - ab * ab;
            if (determinant <= 0)
            {
                break;
            }

            var (stepA, stepB) = ((bb * gradientA - ab * gradientB) / determinant, (aa * gradientB - ab * gradientA) / determinant);
            var size = 1.0;
            double next;
            while ((next = Loss(raw, labels, weights, slope - size * stepA, intercept - size * stepB)) > loss && size > 1e-6)
            {
                size /= 2;
            }

            if (loss - next < 1e-10 * Math.Abs(loss))
            {
                break;
            }

            (slope, intercept, loss) = (slope - size * stepA, intercept - size * stepB, next);
        }

        return new(Math.Max(slope, 1e-6), intercept, all);

        double Loss(ReadOnlySpan<double> scores, ReadOnlySpan<bool> truths, ReadOnlySpan<float> weight, double a, double b)
        {
            double sum = 0;
            for (var i = 0; i < scores.Length; i++)
            {
                var at = a * scores[i] + b;
                var target = truths[i] ? high : low;
                sum += weight[i] * (Math.Max(at, 0) - at * target + Math.Log(1 + Math.Exp(-Math.Abs(at))));
            }

            return sum;
        }
    }

    private readonly record struct Step(double RawSum, double Frauds, double Weight)
    {
        public double Raw => RawSum / Weight;

        public double Share => Frauds / Weight;

        public Step With(Step next) => new(RawSum + next.RawSum, Frauds + next.Frauds, Weight + next.Weight);
    }
}
