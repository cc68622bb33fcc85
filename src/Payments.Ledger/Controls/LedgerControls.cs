using Npgsql;
using Payments.Ledger.Chain;
using Payments.Ledger.Closing;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Controls;

/// <summary>
/// Runs the controls: completeness and the newest journals of the chain every <see cref="LedgerOptions.ControlSeconds"/>; the audit,
/// closings and anchors at start and every <see cref="LedgerOptions.AuditMinutes"/>, and with it what is due to be closed or
/// retired; an anchor once a day; partitions ahead. Of several replicas one works at a time.
/// </summary>
public sealed class LedgerControls(
    NpgsqlDataSource database, Completeness completeness, Audit audit, Closings closings, Retirement retirement, ChainVerification chain, Anchors anchors, Findings findings,
    LedgerMetrics metrics, TimeProvider time, LedgerOptions options, ILogger<LedgerControls> logger) : BackgroundService
{
    public const string AccountChanged = "account_changed";
    public const string AnchorBroken = "anchor_broken";

    /// <summary>Replicas do not do the same work.</summary>
    private const long Turn = 0x6c65646701;

    private Dictionary<int, ChainHead>? verified;
    private DateTimeOffset lastAudit = DateTimeOffset.MinValue;

    /// <summary>When a round last ended well.</summary>
    public DateTimeOffset? LastRoundAt { get; private set; }

    public RoundPulse Pulse { get; } = metrics.Watch(new RoundPulse("controls", time));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.ControlSeconds), time);
        do
        {
            try
            {
                await Pulse.RunAsync(RoundAsync, stoppingToken);
            }
            catch (Exception e) when (Outage.OfDatabase(e) || e is OutboxUnavailableException or IOException or UnauthorizedAccessException)
            {
                // What the controls need does not answer; the next round asks again, and health tells that they fail.
                Log.ControlsPostponed(logger, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>One round. Does nothing where another replica is at it.</summary>
    public Task RoundAsync(CancellationToken cancellationToken) => SessionTurn.RunAsync(database, Turn, (_, token) => ControlAsync(token), cancellationToken);

    private async Task ControlAsync(CancellationToken cancellationToken)
    {
        await MakePartitionsAsync(cancellationToken);
        var now = time.GetUtcNow();
        var whole = now - lastAudit >= TimeSpan.FromMinutes(options.AuditMinutes);
        if (whole || verified is null)
        {
            await AuditAsync(cancellationToken);
            lastAudit = now;
        }
        else
        {
            await VerifyChainAsync(verified, cancellationToken);
        }

        await AnchorDailyAsync(now, cancellationToken);
        await ExamineCompletenessAsync(int.MaxValue, cancellationToken, new Pace(time));
        if (whole)
        {
            await retirement.RetireDueAsync(cancellationToken);
        }

        LastRoundAt = time.GetUtcNow();
    }

    private async Task MakePartitionsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT ledger.make_partitions($1)");
        command.Parameters.Add(new() { Value = options.PartitionMonthsAhead });
        if (await command.ExecuteScalarAsync(cancellationToken) is string[] { Length: > 0 } made)
        {
            Log.PartitionsMade(logger, string.Join(", ", made));
        }
    }

    // The newest journals; from where the last round ended.
    private async Task VerifyChainAsync(IReadOnlyDictionary<int, ChainHead> from, CancellationToken cancellationToken)
    {
        var report = await chain.VerifyAsync(from, null, cancellationToken, new Pace(time));
        await findings.RaiseAsync([.. report.Breaks.Select(Audit.Describe)], cancellationToken);

        // Heads of partitions that were not reached this time stay where they were.
        verified = report.Heads.ToDictionary(h => h.Partition);
    }

    private async Task AuditAsync(CancellationToken cancellationToken)
    {
        var (audited, heads) = await audit.ExamineAsync(cancellationToken, new Pace(time));
        var found = audited.ToList();
        found.AddRange(await closings.VerifyAsync(cancellationToken));
        found.AddRange((await chain.ChangedAccountsAsync(cancellationToken)).Select(a => new Finding(AccountChanged, a, "The account is not what its id was made from.")));
        if (anchors.Configured)
        {
            found.AddRange((await anchors.VerifyAsync(cancellationToken)).Breaks.Select(b => new Finding(AnchorBroken, b, b)));
        }

        if (found.Count == 0)
        {
            found.AddRange(await closings.CloseDueAsync(cancellationToken));
        }

        await findings.RaiseAsync(found, cancellationToken);
        await findings.ResolveOthersAsync([.. Audit.Kinds, Closings.Broken, Closings.Refused, AccountChanged, AnchorBroken], found, cancellationToken);
        verified = heads.ToDictionary(h => h.Partition);
    }

    private async Task AnchorDailyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (anchors.Configured && (await anchors.LastAsync(cancellationToken))?.UtcDateTime.Date != now.UtcDateTime.Date)
        {
            var anchor = await anchors.AppendAsync(cancellationToken);
            Log.Anchored(logger, anchor.Heads.Count);
        }
    }

    /// <summary>
    /// Compares what came since the last time, at most so many pages of a partition. May run beside a round: both find the same.
    /// </summary>
    /// <param name="pace">Null where somebody waits for the answer.</param>
    public async Task ExamineCompletenessAsync(int pages, CancellationToken cancellationToken, Pace? pace = null)
    {
        foreach (var open in await findings.OpenAsync(1_000, cancellationToken, [.. Completeness.EventKinds]))
        {
            if (!(await completeness.ExamineAgainAsync(open, cancellationToken)).Any(f => f.Kind == open.Kind && f.Subject == open.Subject))
            {
                await findings.ResolveAsync(open.Id, cancellationToken);
            }
        }

        for (var partition = 0; partition < LogicalPartition.Count; partition++)
        {
            for (var page = 0; page < pages && await completeness.ExamineNextAsync(partition, cancellationToken) is { } found; page++)
            {
                await findings.RaiseAsync(found, cancellationToken);
                await (pace?.RestAsync(cancellationToken) ?? Task.CompletedTask);
            }
        }

        var behind = await completeness.ExamineProgressAsync(cancellationToken);
        await findings.RaiseAsync(behind, cancellationToken);
        await findings.ResolveOthersAsync(Completeness.PartitionKinds, behind, cancellationToken);
        await findings.CountOpenAsync(cancellationToken);
    }
}
