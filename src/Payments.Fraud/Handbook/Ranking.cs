namespace Payments.Fraud.Handbook;

/// <summary>One scored payment of a test.</summary>
internal readonly record struct Ranked(int Day, long Card, double Score, bool Fraud);

/// <summary>The handbook's three measures. Threshold-free: only the order of scores counts.</summary>
internal static class Ranking
{
    /// <summary>Chance that a fraud scores above a good payment; ties count half.</summary>
    public static double AreaUnderRoc(IReadOnlyCollection<Ranked> ranked)
    {
        double frauds = 0, goods = 0, pairs = 0;
        foreach (var (fraud, good) in Ties(ranked).Reverse())
        {
            pairs += fraud * (goods + good / 2.0);
            (frauds, goods) = (frauds + fraud, goods + good);
        }

        return pairs / (frauds * goods);
    }

    /// <summary>Mean of the precision at each step of recall, highest scores first.</summary>
    public static double AveragePrecision(IReadOnlyCollection<Ranked> ranked)
    {
        double frauds = 0, goods = 0, sum = 0;
        foreach (var (fraud, good) in Ties(ranked))
        {
            (frauds, goods) = (frauds + fraud, goods + good);
            sum += fraud * frauds / (frauds + goods);
        }

        return sum / frauds;
    }

    /// <summary>
    /// Of the cards with the highest scores of each day the share that was really misused on that day, averaged over the days. A card
    /// that was found is blocked: it no longer counts on later days.
    /// </summary>
    public static double CardPrecision(IEnumerable<Ranked> ranked, int top)
    {
        var found = new HashSet<long>();
        var precisions = new List<double>();
        foreach (var day in ranked.GroupBy(r => r.Day).OrderBy(d => d.Key))
        {
            var detected = day.Where(r => !found.Contains(r.Card))
                .GroupBy(r => r.Card)
                .Select(c => (Card: c.Key, Score: c.Max(r => r.Score), Fraud: c.Any(r => r.Fraud)))
                .OrderByDescending(c => c.Score).ThenBy(c => c.Card)
                .Take(top)
                .Where(c => c.Fraud)
                .Select(c => c.Card)
                .ToArray();
            found.UnionWith(detected);
            precisions.Add((double)detected.Length / top);
        }

        return precisions.Average();
    }

    /// <summary>Highest scores first: how many frauds and goods share each.</summary>
    private static IEnumerable<(int Frauds, int Goods)> Ties(IEnumerable<Ranked> ranked) =>
        ranked.GroupBy(r => r.Score).OrderByDescending(g => g.Key).Select(g => (g.Count(r => r.Fraud), g.Count(r => !r.Fraud)));
}
