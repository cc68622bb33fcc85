using System.Globalization;

namespace Payments.Chaos.Judging;

/// <summary>A provider that executes every authorization and answers none: nobody is charged elsewhere instead, and all is settled in time.</summary>
internal static class SilenceRules
{
    /// <summary>From the provider's return.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Authorizations that the silence must have struck, at this pace and less at a slower one: of nobody all promises are kept.</summary>
    private const int Least = 20;
    private const double Pace = 10;

    public static IEnumerable<Violation> Judge(Evidence evidence)
    {
        var attempts = evidence.Attempts.ToLookup(a => a.Payment);
        var executed = evidence.Charges.Where(c => c.IdempotencyKey is not null).Select(c => (c.Provider, c.IdempotencyKey!)).ToHashSet();
        foreach (var silence in evidence.Silences)
        {
            var begun = evidence.Attempts.Where(a => a.Provider == silence.Provider && a.OpenedAt >= silence.From && a.OpenedAt <= silence.To).ToArray();
            foreach (var struck in begun)
            {
                if (struck.State is "succeeded" or "unknown" && attempts[struck.Payment].FirstOrDefault(a => a.Operation == struck.Operation && a.Provider != struck.Provider && a.OpenedAt > struck.OpenedAt) is { } other)
                {
                    yield return new Violation(Rules.Failover, struck.Payment, $"{struck.Provider} may have charged attempt {struck.Id}, and {other.Provider} was tried with {other.Id}");
                }
            }

            // What is in the provider's books under the attempt's key was executed, and in this time nothing executed was answered.
            var least = Least * Math.Min(1, (evidence.Fire?.PerSecond ?? Pace) / Pace);
            if (evidence.Fire is not null && begun.Count(a => executed.Contains((a.Provider, a.Id))) is var met && met < least)
            {
                yield return new Violation(
                    Rules.TooLittleFire, null, string.Create(CultureInfo.InvariantCulture, $"the silence of {silence.Provider} met {met} authorizations and proves nothing; at least {least:0.#} are demanded"));
            }

            if (silence.SettledAt is not { } settled || settled - silence.To > Limit)
            {
                yield return new Violation(Rules.LateResolution, null, $"what {silence.Provider} left unanswered until {silence.To:HH:mm:ss} was settled {(silence.SettledAt is { } at ? $"at {at:HH:mm:ss}" : "never")}");
            }
        }
    }
}
