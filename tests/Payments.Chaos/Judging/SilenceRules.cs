namespace Payments.Chaos.Judging;

/// <summary>A provider that executes every authorization and answers none: nobody is charged elsewhere instead, and all is settled in time.</summary>
internal static class SilenceRules
{
    /// <summary>From the provider's return.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public static IEnumerable<Violation> Judge(Evidence evidence)
    {
        var attempts = evidence.Attempts.ToLookup(a => a.Payment);
        foreach (var silence in evidence.Silences)
        {
            foreach (var struck in evidence.Attempts.Where(a => a.Provider == silence.Provider && a.OpenedAt >= silence.From && a.OpenedAt <= silence.To))
            {
                if (struck.State is "succeeded" or "unknown" && attempts[struck.Payment].FirstOrDefault(a => a.Operation == struck.Operation && a.Provider != struck.Provider && a.OpenedAt > struck.OpenedAt) is { } other)
                {
                    yield return new Violation(Rules.Failover, struck.Payment, $"{struck.Provider} may have charged attempt {struck.Id}, and {other.Provider} was tried with {other.Id}");
                }
            }

            if (silence.SettledAt is not { } settled || settled - silence.To > Limit)
            {
                yield return new Violation(Rules.LateResolution, null, $"what {silence.Provider} left unanswered until {silence.To:HH:mm:ss} was settled {(silence.SettledAt is { } at ? $"at {at:HH:mm:ss}" : "never")}");
            }
        }
    }
}
